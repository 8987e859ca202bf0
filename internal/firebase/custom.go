package firebase

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
)

// SignInAs opens a session for somebody who has proved who they are to us, without a password (M9): a custom token of ours is
// exchanged for Firebase's pair. The ID token's sign_in_provider is "custom", and every ID token of the session carries the
// developer claims. Google asks for no second factor here, also where the account has one: whoever calls must have had it, or
// know that none is due.
//
// The account is looked up first, for Google would make one for a uid that it does not know. Nothing is sent twice but that
// look-up. Errors: ErrUserNotFound, ErrUserDisabled, ErrSignInBlocked, ErrTooManyAttempts, ErrUnreachable; without a service
// account that may sign, or of another project, internal.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/signInWithCustomToken
func (c *Client) SignInAs(ctx context.Context, uid string, developerClaims map[string]any) (Session, error) {
	user, err := c.User(ctx, uid)
	if err != nil {
		return Session{}, err
	}
	if user.Disabled {
		return Session{}, fmt.Errorf("firebase %s: %w", opSignInAs, ErrUserDisabled)
	}
	token, err := c.customToken(ctx, uid, developerClaims)
	if err != nil {
		return Session{}, err
	}
	var session Session
	err = c.call(ctx, opSignInAs, once, func(ctx context.Context) error {
		request := &identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithCustomTokenRequest{
			Token: token, ReturnSecureToken: true, TenantId: c.tenant,
		}
		answer, err := c.toolkit.Accounts.SignInWithCustomToken(request).Context(ctx).Do()
		if err != nil {
			return err
		}
		if answer.IsNewUser {
			return ErrUserNotFound // deleted since the look-up; the empty account that Google has made in its place opens nothing
		}
		session = Session{
			IDToken: answer.IdToken, RefreshToken: answer.RefreshToken,
			ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second, UID: uid, // the answer does not repeat the uid
		}
		return c.check(session)
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}
