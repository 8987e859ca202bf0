package httpapi

import (
	"context"
	"net/http"
	"strings"

	"auth-v2-service/internal/account"
	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/token"
)

// authState exists because the validator cannot change the request.
type authState struct {
	resolver  *principal.Resolver
	bearers   []string
	keys      []string
	agent     string
	asked     bool
	refusal   error
	caller    principal.Caller
	principal principal.Principal
	claims    token.Claims
	compact   string
}

// prepareAuth never rejects: the contract says which operations need a credential.
func prepareAuth(resolver *principal.Resolver) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requestOf(r.Context()).auth = &authState{
				resolver: resolver, bearers: r.Header.Values("Authorization"), keys: r.Header.Values(keyHeader), agent: r.UserAgent(),
			}
			next.ServeHTTP(w, r)
		})
	}
}

// keyHeader carries an API key. Operations for proxies ignore it: a proxy may pass on its client's key.
const keyHeader = "X-API-Key"

var (
	errCallerMissing = fault.New(fault.TokenMissing, "a bearer token or an API key is required")
	errForbidden     = fault.New(fault.Forbidden, "this needs an admin who is signed in at Firebase, or an API key of the right scope")
)

// authenticate decides once, although the validator asks once per security scheme.
func (h *authState) authenticate(ctx context.Context, op operation) error {
	if !h.asked {
		h.asked, h.refusal = true, h.decide(ctx, op)
	}
	return h.refusal
}

func (h *authState) decide(ctx context.Context, op operation) error {
	if op.forProxies() {
		h.keys = nil
	}
	if len(h.bearers)+len(h.keys) > 1 {
		return errTwoCredential
	}
	if op.keys && len(h.keys) == 1 && h.keys[0] != "" {
		return h.admitKey(ctx, op)
	}
	return h.admitBearer(ctx, op)
}

func (h *authState) admitKey(ctx context.Context, op operation) error {
	key, err := h.resolver.ResolveKey(ctx, h.keys[0])
	if err != nil {
		return err
	}
	h.caller = key
	return h.mayOperate(op)
}

func (h *authState) admitBearer(ctx context.Context, op operation) (err error) {
	if len(h.bearers) == 1 {
		h.compact = bearerToken(h.bearers[0])
	}
	switch {
	case h.compact == "" && op.keys:
		return errCallerMissing
	case h.compact == "":
		return token.ErrMissing
	case op.claimsOnly:
		h.claims, err = h.resolver.Claims(ctx, h.compact)
		return err
	}
	if h.principal, err = h.resolver.Resolve(ctx, h.compact); err != nil {
		return err
	}
	if op.admin || op.keys { // read from the row, never from a cache
		if h.principal, err = h.resolver.Reread(ctx, h.principal); err != nil {
			return err
		}
	}
	h.caller = &h.principal
	return h.mayOperate(op)
}

func (h *authState) mayOperate(op operation) error {
	if (op.admin || op.keys) && !h.caller.Operates(op.scope) {
		return errForbidden
	}
	return nil
}

// bearerToken parses an Authorization header (RFC 6750 section 2.1).
func bearerToken(header string) string {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(rest, " ")
}

func claims(ctx context.Context) token.Claims { return requestOf(ctx).auth.claims }

func bearer(ctx context.Context) string { return requestOf(ctx).auth.compact }

func actor(ctx context.Context) string { return requestOf(ctx).auth.caller.Actor() }

func by(ctx context.Context) operator.Operator {
	h := requestOf(ctx).auth
	out := operator.Operator{Actor: h.caller.Actor(), Admin: h.principal.User.ID}
	if key, ok := h.caller.(apikey.Key); ok {
		out.Key = key.ID
	}
	return out
}

// isOperator is false for a key that only its scope admits.
func isOperator(ctx context.Context) bool {
	return requestOf(ctx).auth.caller.Operates("")
}

// caller is zero for an API key. Only secured operations may call it.
func caller(ctx context.Context) principal.Principal {
	return requestOf(ctx).auth.principal
}

func client(ctx context.Context) account.Client {
	return account.Client{Addr: clientAddr(ctx), Agent: requestOf(ctx).auth.agent}
}
