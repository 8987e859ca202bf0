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

// authState carries the principal from the validator's question to the handler: the validator can refuse a request but cannot
// change it. It asks at most once, and only where the contract demands a credential.
type authState struct {
	resolver  *principal.Resolver
	bearers   []string // Authorization
	keys      []string // X-API-Key
	agent     string
	asked     bool
	refusal   error            // the answer, once asked
	caller    principal.Caller // the principal, or the key
	principal principal.Principal
	claims    token.Claims // where the operation asks for no more
	compact   string
}

// prepareAuth makes the place for the caller's principal. It never rejects: the contract says which operations need one.
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

// keyHeader carries an API key. A gateway's proxy passes on what its client sent to another service, so forward ignores it.
const keyHeader = "X-API-Key"

var (
	errCallerMissing = fault.New(fault.TokenMissing, "a bearer token or an API key is required")
	errForbidden     = fault.New(fault.Forbidden, "this needs an admin who is signed in at Firebase, or an API key of the right scope")
)

// authenticate finds out who asks, as far as the operation wants to know. The validator asks once for each way in that the
// contract names, and gets one answer: which of them it is, the request says.
func (h *authState) authenticate(ctx context.Context, op operation) error {
	if !h.asked {
		h.asked, h.refusal = true, h.decide(ctx, op)
	}
	return h.refusal
}

func (h *authState) decide(ctx context.Context, op operation) error {
	if op.gateway {
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
	if op.admin || op.keys { // an operator's rights are read from the row, and from no cache
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

// bearerToken cuts the token out of an Authorization header (RFC 6750 section 2.1); "" when it holds none.
func bearerToken(header string) string {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(rest, " ")
}

// claims are what the bearer of an operation marked x-bearer: claims has been verified to claim.
func claims(ctx context.Context) token.Claims { return requestOf(ctx).auth.claims }

// bearer is the caller's own token, for what only its issuer can do.
func bearer(ctx context.Context) string { return requestOf(ctx).auth.compact }

// actor is in whose name an operation acts, as the audit names them: a person, or a service by its key.
func actor(ctx context.Context) string { return requestOf(ctx).auth.caller.Actor() }

// by names the operator of an act: an admin by the row, or a service by its key.
func by(ctx context.Context) operator.Operator {
	h := requestOf(ctx).auth
	out := operator.Operator{Actor: h.caller.Actor(), Admin: h.principal.User.ID}
	if key, ok := h.caller.(apikey.Key); ok {
		out.Key = key.ID
	}
	return out
}

// isOperator reports whether the caller may do whatever operators do, as opposed to what the scope of a key opens.
func isOperator(ctx context.Context) bool {
	return requestOf(ctx).auth.caller.Operates("")
}

// caller is the person who called a secured operation; the zero one where it was a service, by its key. Reached only behind the
// validator, which refuses everybody else.
func caller(ctx context.Context) principal.Principal {
	return requestOf(ctx).auth.principal
}

// client is who asks, whether or not anybody is behind it.
func client(ctx context.Context) account.Client {
	return account.Client{Addr: clientAddr(ctx), Agent: requestOf(ctx).auth.agent}
}
