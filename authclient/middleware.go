package authclient

import (
	"context"
	"net/http"
	"time"
)

// Middleware passes on requests with one bearer token that the service accepts. Their context holds the [User]. Other answers:
//
//	no bearer token        401 token_missing
//	a malformed token      401 token_invalid
//	two credentials        400 invalid_request
//	401, 403, 409 or 422   the service's own
//	anything else          503 dependency_unavailable
func (c *Client) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.skipPreflight && isPreflight(r) {
			next.ServeHTTP(w, admit(withPreflight(r.Context()), r))
			return
		}
		began := time.Now()
		id := requestID(w, r)
		user, asked, err := c.authenticate(r.Context(), r.Header["Authorization"], id)
		refused := refusalOf(err)
		c.report(refused, asked, time.Since(began), id)
		if refused != nil {
			refused.write(w, id)
			return
		}
		next.ServeHTTP(w, admit(WithUser(r.Context(), user), r))
	})
}

func (c *Client) authenticate(ctx context.Context, authorization []string, id string) (user User, asked int, err error) {
	token, err := bearerToken(authorization)
	if err != nil {
		return User{}, 0, err
	}
	return c.verify(ctx, token, id)
}

// admit copies the request; the original belongs to the server.
func admit(ctx context.Context, r *http.Request) *http.Request {
	out := r.WithContext(ctx)
	out.Header = withoutIdentity(r.Header)
	return out
}

// isPreflight: browsers send preflights without credentials (Fetch, section 4.8).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Authorization"]) == 0 &&
		len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1
}

// RequireType answers 403 to other users, and 500 outside of [Client.Middleware].
func RequireType(types ...string) func(http.Handler) http.Handler {
	allowed := make(map[string]bool, len(types))
	for _, t := range types {
		allowed[t] = true
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, ok := UserFrom(r.Context())
			switch {
			case ok && allowed[user.UserType], isLetThroughPreflight(r.Context()):
				next.ServeHTTP(w, r)
			case ok:
				errForbidden.write(w, requestID(w, r))
			default:
				errMisplaced.write(w, requestID(w, r))
			}
		})
	}
}
