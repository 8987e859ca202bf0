package firebase

import (
	"context"
	"errors"
	"net/http"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
)

// Session is a pair of tokens. ExpiresIn is the ID token's life.
type Session struct {
	IDToken      string
	RefreshToken string
	ExpiresIn    time.Duration
	UID          string
}

// SignIn proves a password, once: each try counts against the account. Errors: ErrInvalidCredentials, for any wrong input (A3);
// ErrUserDisabled, even with a wrong password; MFAError; ErrSignInBlocked.
func (c *Client) SignIn(ctx context.Context, email, password string) (Session, error) {
	var session Session
	err := c.call(ctx, opSignIn, once, func(ctx context.Context) error {
		request := &identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithPasswordRequest{
			Email: email, Password: password, ReturnSecureToken: true, TenantId: c.tenant,
			// Google refuses empty values itself.
			ForceSendFields: []string{"Email", "Password"},
		}
		call := c.toolkit.Accounts.SignInWithPassword(request).Context(ctx)
		replayable(call.Header())
		answer, err := call.Do()
		if err != nil {
			return err
		}
		if answer.MfaPendingCredential != "" {
			return challenge(answer)
		}
		session = Session{
			IDToken: answer.IdToken, RefreshToken: answer.RefreshToken,
			ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second, UID: answer.LocalId,
		}
		return c.check(session)
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

// replayable lets net/http resend on a closed idle connection. The empty header is its documented switch.
func replayable(h http.Header) { h["X-Idempotency-Key"] = []string{} }

// check verifies no signature; the caller does.
func (c *Client) check(s Session) error {
	if s.IDToken == "" || s.RefreshToken == "" || s.UID == "" || s.ExpiresIn <= 0 {
		return errors.New("the answer lacks a token, the uid or the expiry")
	}
	claims, err := readIDToken(s.IDToken)
	switch {
	case err != nil:
		return err
	case claims.Subject != s.UID || claims.Audience != c.project:
		return errors.New("the ID token is of another account or project")
	case claims.Firebase.Tenant != c.tenant:
		return errOtherTenant
	}
	return nil
}

// errOtherTenant is a session of an unserved tenant (T2).
var errOtherTenant = errors.New("the ID token is of another tenant")
