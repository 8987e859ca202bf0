package firebase

import (
	"context"
	"errors"
	"net/http"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
)

// Session is a signed-in user's pair of tokens. ExpiresIn is the ID token's life; the refresh token has none of its own.
type Session struct {
	IDToken      string
	RefreshToken string
	ExpiresIn    time.Duration
	UID          string
}

// SignIn proves an e-mail and a password. Errors: ErrInvalidCredentials, for every sort of wrong (A3); ErrUserDisabled, which
// Google says before it has checked the password; ErrMFARequired, as an MFAError for FinishSignIn; ErrSignInBlocked;
// ErrTooManyAttempts; ErrUnreachable. A failure is not repeated, for each try counts against the account's throttle; only a
// pooled connection that turns out to be closed makes net/http send it once more.
func (c *Client) SignIn(ctx context.Context, email, password string) (Session, error) {
	var session Session
	err := c.call(ctx, opSignIn, once, func(ctx context.Context) error {
		request := &identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithPasswordRequest{
			Email: email, Password: password, ReturnSecureToken: true, TenantId: c.tenant,
			// An empty one is sent as such, for Google to refuse in its usual words.
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

// replayable lets net/http send the request again when a pooled connection turns out to have been closed by the server while
// it lay idle. It does so unasked for GET only; the empty header is its documented switch, and is not sent.
func replayable(h http.Header) { h["X-Idempotency-Key"] = []string{} }

// check holds an answer to what a session is: both tokens, and an ID token of this project for the account that the answer names.
// It verifies no signature; the caller does.
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

// errOtherTenant says that a session belongs to users of the project that this client does not serve (T2).
var errOtherTenant = errors.New("the ID token is of another tenant")
