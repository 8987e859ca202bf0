package firebase

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/api/identitytoolkit/v1"
)

const (
	mailPasswordReset = "PASSWORD_RESET"
	mailVerifyEmail   = "VERIFY_EMAIL"
)

type (
	mailRequest  = identitytoolkit.GoogleCloudIdentitytoolkitV1GetOobCodeRequest
	resetRequest = identitytoolkit.GoogleCloudIdentitytoolkitV1ResetPasswordRequest
)

// SendPasswordReset sends a code for ResetPassword, once, so that there is one mail. Nil proves no account: enumeration protection hides
// unknown addresses. Errors: ErrUserNotFound, ErrUserDisabled.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/sendOobCode
func (c *Client) SendPasswordReset(ctx context.Context, email string) error {
	if !possibleEmail(email) {
		return fmt.Errorf("firebase %s: %w", opSendPasswordReset, ErrUserNotFound)
	}
	return c.sendMail(ctx, opSendPasswordReset, &mailRequest{RequestType: mailPasswordReset, Email: email})
}

// SendEmailVerification sends a code for ConfirmEmail, once. Errors: ErrInvalidIDToken, ErrExpiredIDToken (also a revoked session),
// ErrUserNotFound, ErrUserDisabled, ErrInvalidUser (no address).
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
			return nil // the mail is on its way
		}
		return err
	})
}

// ResetPassword uses a code once and returns its address, which is verified now. All sessions end. Errors: ErrInvalidCode, ErrExpiredCode,
// ErrWeakPassword (the code stays good), ErrUserDisabled (the code is spent).
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/resetPassword
func (c *Client) ResetPassword(ctx context.Context, oobCode, newPassword string) (string, error) {
	switch {
	case oobCode == "":
		return "", fmt.Errorf("firebase %s: %w", opResetPassword, ErrInvalidCode)
	case tooShort(newPassword): // else Google only names the address
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

// ResetAddress returns a reset code's address; the code stays good. Errors: ErrInvalidCode, ErrExpiredCode, ErrUserDisabled.
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

// ConfirmEmail uses a code once and returns the verified address. Firebase also takes codes of address changes. Errors: ErrInvalidCode,
// ErrExpiredCode, ErrUserDisabled, ErrEmailExists. https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts/update
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
