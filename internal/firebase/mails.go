package firebase

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/api/identitytoolkit/v1"
)

// The kinds of mail that we have Firebase send.
const (
	mailPasswordReset = "PASSWORD_RESET"
	mailVerifyEmail   = "VERIFY_EMAIL"
)

type (
	mailRequest  = identitytoolkit.GoogleCloudIdentitytoolkitV1GetOobCodeRequest
	resetRequest = identitytoolkit.GoogleCloudIdentitytoolkitV1ResetPasswordRequest
)

// SendPasswordReset has Firebase write to an address, with a code that ResetPassword takes. Nil does not say that there is such
// an account: a project with e-mail enumeration protection answers an unknown address alike, and one without it gives
// ErrUserNotFound; so does what is no address. Never sent twice, for that would be two mails: after ErrUnreachable one may be
// under way. Errors besides: ErrUserDisabled, ErrTooManyAttempts, ErrUnreachable.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/sendOobCode
func (c *Client) SendPasswordReset(ctx context.Context, email string) error {
	if !possibleEmail(email) {
		return fmt.Errorf("firebase %s: %w", opSendPasswordReset, ErrUserNotFound)
	}
	return c.sendMail(ctx, opSendPasswordReset, &mailRequest{RequestType: mailPasswordReset, Email: email})
}

// SendEmailVerification has Firebase write to the address of the ID token's account, with a code that ConfirmEmail takes.
// Never sent twice. Errors: ErrInvalidIDToken and ErrExpiredIDToken (a revoked session counts as expired); ErrUserNotFound,
// ErrUserDisabled, ErrInvalidUser (the account has no address), ErrTooManyAttempts, ErrUnreachable. Google's page is
// SendPasswordReset's.
func (c *Client) SendEmailVerification(ctx context.Context, idToken string) error {
	if idToken == "" {
		return fmt.Errorf("firebase %s: %w", opSendVerification, ErrInvalidIDToken)
	}
	return c.sendMail(ctx, opSendVerification, &mailRequest{RequestType: mailVerifyEmail, IdToken: idToken})
}

func (c *Client) sendMail(ctx context.Context, operation string, request *mailRequest) error {
	request.TenantId = c.tenant
	return c.call(ctx, operation, once, func(ctx context.Context) error {
		_, err := c.toolkit.Accounts.SendOobCode(request).Context(ctx).Do()
		if exchangeOf(ctx).succeeded() {
			return nil // the mail is on its way, however the answer reads
		}
		return err
	})
}

// ResetPassword uses a reset mail's code and gives the address that it was sent to. The address is verified by it, and every
// session of the account ends. A code is good once: sent once, and after ErrUnreachable the password may be set or not. Errors:
// ErrInvalidCode (unknown, used, of another kind, or its account is gone), ErrExpiredCode, ErrWeakPassword (the code stays
// good), ErrUserDisabled (the code is spent), ErrTooManyAttempts, ErrUnreachable.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/resetPassword
func (c *Client) ResetPassword(ctx context.Context, oobCode, newPassword string) (string, error) {
	switch {
	case oobCode == "":
		return "", fmt.Errorf("firebase %s: %w", opResetPassword, ErrInvalidCode)
	case tooShort(newPassword): // without one Google only says whose code it is, which would look like a success
		return "", fmt.Errorf("firebase %s: %w", opResetPassword, ErrWeakPassword)
	}
	var email string
	err := c.call(ctx, opResetPassword, once, func(ctx context.Context) error {
		request := &resetRequest{OobCode: oobCode, NewPassword: newPassword, TenantId: c.tenant}
		answer, err := c.toolkit.Accounts.ResetPassword(request).Context(ctx).Do()
		if err != nil {
			return err
		}
		email = answer.Email
		return hasAddress(email)
	})
	return email, err
}

// ResetAddress gives the address that a reset mail's code was sent to, and leaves the code good. Errors: ErrInvalidCode, also for a code
// of another mail; ErrExpiredCode, ErrUserDisabled, ErrTooManyAttempts, ErrUnreachable. Google's page is ResetPassword's.
func (c *Client) ResetAddress(ctx context.Context, oobCode string) (string, error) {
	if oobCode == "" {
		return "", fmt.Errorf("firebase %s: %w", opResetAddress, ErrInvalidCode)
	}
	var email string
	err := c.call(ctx, opResetAddress, twice, func(ctx context.Context) error {
		request := &resetRequest{OobCode: oobCode, TenantId: c.tenant}
		answer, err := c.toolkit.Accounts.ResetPassword(request).Context(ctx).Do()
		if err != nil {
			return err
		}
		if email = answer.Email; email == "" || answer.RequestType == "" {
			return errNotUnderstood
		}
		if answer.RequestType != mailPasswordReset {
			return ErrInvalidCode
		}
		return nil
	})
	return email, err
}

// ConfirmEmail uses a verification mail's code and gives the address that is verified now. Firebase takes the codes of its
// other mails to an owner here too: of a change of address, then the new one is verified, and of taking such a change back.
// A code is good once, and sent once. Errors: ErrInvalidCode, ErrExpiredCode, ErrUserDisabled, ErrEmailExists (somebody
// else has the address by now), ErrTooManyAttempts, ErrUnreachable.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/update
func (c *Client) ConfirmEmail(ctx context.Context, oobCode string) (string, error) {
	if oobCode == "" {
		return "", fmt.Errorf("firebase %s: %w", opConfirmEmail, ErrInvalidCode)
	}
	var email string
	err := c.call(ctx, opConfirmEmail, once, func(ctx context.Context) error {
		answer, err := c.toolkit.Accounts.Update(&updateRequest{OobCode: oobCode, TenantId: c.tenant}).Context(ctx).Do()
		if err != nil {
			return err
		}
		email = answer.Email
		return hasAddress(email)
	})
	return email, err
}

func hasAddress(email string) error {
	if email == "" {
		return errors.New("the answer lacks the address")
	}
	return nil
}
