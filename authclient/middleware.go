package authclient

import (
	"context"
	"net/http"
	"time"
)

// Middleware lets requests through to next that carry exactly one bearer token for which the auth service vouches, with its
// [User] in the context. It answers all others itself:
//
//	no bearer token                               401 token_missing
//	two credentials, or two Authorization headers 400 invalid_request
//	the service's refusal (401, 403, 409, 422)    as the service said it: status, code, message, WWW-Authenticate
//	anything else                                 503 dependency_unavailable with Retry-After
//
// The Authorization header stays on the request. A panic in next is not caught here.
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

// admit is the request as the handler sees it. The one that came in is left as it is: it belongs to the server.
func admit(ctx context.Context, r *http.Request) *http.Request {
	out := r.WithContext(ctx)
	out.Header = withoutIdentity(r.Header)
	return out
}

// isPreflight knows a CORS preflight: browsers send none with credentials (Fetch, section 4.8).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Authorization"]) == 0 &&
		len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1
}

// RequireType lets only users of these types through; others are 403 forbidden. It stands inside [Client.Middleware]; without
// it in front every request is 500, for that is a fault of the service and of no client.
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
