package firebase

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
)

// SignInAs opens a session by a custom token (M9). Its ID tokens carry the developer claims. Google asks for no second factor here: the
// caller must check it. Errors: ErrUserNotFound, ErrUserDisabled, ErrSignInBlocked; internal without a signing account.
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
			return ErrUserNotFound // Google creates an account for an unknown uid
		}
		session = Session{
			IDToken: answer.IdToken, RefreshToken: answer.RefreshToken,
			ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second, UID: uid,
		}
		return c.check(session)
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}
