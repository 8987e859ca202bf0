package httpapi

import (
	"context"
	"net/http"
	"strings"

	"auth-v2-service/internal/account"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// holder carries the principal from the validator's question to the handler: the validator can refuse a request but cannot
// change it. It asks at most once, and only where the contract demands a credential.
type holder struct {
	resolver  *principal.Resolver
	headers   []string // Authorization
	agent     string
	principal principal.Principal
	claims    token.Claims // where the operation asks for no more
	compact   string
}

type holderKey struct{}

// holdPrincipal makes the place for the caller's principal. It never rejects: the contract says which operations need one.
func holdPrincipal(resolver *principal.Resolver) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := &holder{resolver: resolver, headers: r.Header.Values("Authorization"), agent: r.UserAgent()}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), holderKey{}, h)))
		})
	}
}

// errForbidden refuses operations for admins to all others. Every service of the platform knows the legacy secret, so that a
// legacy token is nobody's proof of being one (T8).
var errForbidden = fault.New(fault.Forbidden, "this needs an admin who is signed in at Firebase")

// authenticate resolves the bearer token, as far as the operation asks for.
func (h *holder) authenticate(ctx context.Context, op operation) error {
	if len(h.headers) > 1 {
		return errTwoCredential
	}
	compact := ""
	if len(h.headers) == 1 {
		compact = bearerToken(h.headers[0])
	}
	if compact == "" {
		return token.ErrMissing
	}
	h.compact = compact
	var err error
	if op.claimsOnly {
		h.claims, err = h.resolver.Claims(ctx, compact)
		return err
	}
	if h.principal, err = h.resolver.Resolve(ctx, compact); err != nil {
		return err
	}
	if op.admin && (h.principal.Claims.OfLegacySession() || h.principal.User.Type != user.TypeAdmin) {
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
func claims(ctx context.Context) token.Claims { return ctx.Value(holderKey{}).(*holder).claims }

// bearer is the caller's own token, for what only its issuer can do.
func bearer(ctx context.Context) string { return ctx.Value(holderKey{}).(*holder).compact }

// caller is who called a secured operation. Reached only behind the validator, which refuses everybody else.
func caller(ctx context.Context) principal.Principal {
	return ctx.Value(holderKey{}).(*holder).principal
}

// client is who asks, whether or not anybody is behind it.
func client(ctx context.Context) account.Client {
	return account.Client{Addr: clientAddr(ctx), Agent: ctx.Value(holderKey{}).(*holder).agent}
}
