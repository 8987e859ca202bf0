package httpapi

import (
	"context"
	"net/http"
	"strings"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/token"
)

// holder carries the principal from the validator's question to the handler: the validator can refuse a request but cannot
// change it. It asks at most once, and only where the contract demands a credential.
type holder struct {
	resolver  *principal.Resolver
	headers   []string // Authorization
	principal principal.Principal
}

type holderKey struct{}

// holdPrincipal makes the place for the caller's principal. It never rejects: the contract says which operations need one.
func holdPrincipal(resolver *principal.Resolver) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := &holder{resolver: resolver, headers: r.Header.Values("Authorization")}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), holderKey{}, h)))
		})
	}
}

// authenticate resolves the bearer token.
func (h *holder) authenticate(ctx context.Context) error {
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
	p, err := h.resolver.Resolve(ctx, compact)
	h.principal = p
	return err
}

// bearerToken cuts the token out of an Authorization header (RFC 6750 section 2.1); "" when it holds none.
func bearerToken(header string) string {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(rest, " ")
}

// caller is who called a secured operation. Reached only behind the validator, which refuses everybody else.
func caller(ctx context.Context) principal.Principal {
	return ctx.Value(holderKey{}).(*holder).principal
}
