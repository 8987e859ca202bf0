package authclient

import (
	"context"
	"encoding/json"
	"time"
)

// User is who calls, as the auth service answered for this very request. In JSON its names are the platform's.
type User struct {
	ID           string `json:"id"`           // of the row in auth.users, a UUID; it never changes
	FirebaseUID  string `json:"firebase_uid"` // "" where no account at Firebase is linked
	Email        string `json:"email"`        // in lower case; "" for people without one
	Username     string `json:"username"`     // unique; "" where none was ever given
	UserType     string `json:"user_type"`    // "user", "admin", or what else the platform has written there
	IsActive     bool   `json:"is_active"`    // true, always: others do not get here
	TokenBalance int64  `json:"token_balance"`
	Token        Token  `json:"token"`
}

// Token is what the caller's token says of itself.
type Token struct {
	Kind      string    `json:"kind"` // who issued it: "firebase" or "legacy"
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// MarshalJSON writes null for what there is not, as the auth service does.
func (u User) MarshalJSON() ([]byte, error) {
	type fields User // without this method
	return json.Marshal(struct {
		fields
		FirebaseUID *string `json:"firebase_uid"`
		Email       *string `json:"email"`
		Username    *string `json:"username"`
	}{fields(u), orNull(u.FirebaseUID), orNull(u.Email), orNull(u.Username)})
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

type contextKey struct{}

// caller is what a context holds: a user, or the mark of a preflight that was let through without one.
type caller struct {
	user      User
	preflight bool
}

// UserFrom gives the user behind a request. ok is false where no [Client.Middleware] let the request through, and for a
// preflight that SkipPreflight let through.
func UserFrom(ctx context.Context) (user User, ok bool) {
	c, ok := ctx.Value(contextKey{}).(*caller)
	if !ok || c.preflight {
		return User{}, false
	}
	return c.user, true
}

// WithUser gives a context whose user is user: for tests of handlers, which need no auth service then.
func WithUser(ctx context.Context, user User) context.Context {
	return context.WithValue(ctx, contextKey{}, &caller{user: user})
}

func withPreflight(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, &caller{preflight: true})
}

func isLetThroughPreflight(ctx context.Context) bool {
	c, ok := ctx.Value(contextKey{}).(*caller)
	return ok && c.preflight
}
