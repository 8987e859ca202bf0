package authclient

import (
	"context"
	"encoding/json"
	"time"
)

// User is the caller, as the auth service answered for this request.
type User struct {
	ID           string `json:"id"`           // never changes
	FirebaseUID  string `json:"firebase_uid"` // may be ""
	Email        string `json:"email"`        // lower case; may be ""
	Username     string `json:"username"`     // unique; may be ""
	UserType     string `json:"user_type"`    // "user", "admin" or another
	IsActive     bool   `json:"is_active"`    // always true
	TokenBalance int64  `json:"token_balance"`
	Token        Token  `json:"token"`
}

// Token describes the caller's token.
type Token struct {
	Kind      string    `json:"kind"` // "firebase" or "legacy"
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// MarshalJSON writes null for empty fields, as the service does.
func (u User) MarshalJSON() ([]byte, error) {
	type fields User // drops this method
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

type caller struct {
	user      User
	preflight bool
}

// UserFrom returns the request's user. ok is false without [Client.Middleware] and for a skipped preflight.
func UserFrom(ctx context.Context) (user User, ok bool) {
	c, ok := ctx.Value(contextKey{}).(*caller)
	if !ok || c.preflight {
		return User{}, false
	}
	return c.user, true
}

// WithUser returns a context with user, for tests.
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
