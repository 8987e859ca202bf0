package firebase

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
	mfa "google.golang.org/api/identitytoolkit/v2"
)

// The kinds of second factor. FinishSignIn takes TOTP only: a text message is the Firebase SDK's to send (A11).
const (
	FactorTOTP  = "totp"
	FactorPhone = "phone"
)

// Factor is a second factor that an account has enrolled.
type Factor struct {
	ID          string
	Kind        string // FactorTOTP or FactorPhone; "" for one that is neither
	DisplayName string
}

// MFAChallenge is a sign-in whose password was right and whose second factor is due. PendingCredential stands for the password:
// it is a secret, and good for five minutes.
type MFAChallenge struct {
	PendingCredential string
	Factors           []Factor
}

// MFAError is ErrMFARequired with what finishes the sign-in. Its text holds none of it.
type MFAError struct{ Challenge MFAChallenge }

func (e *MFAError) Error() string { return ErrMFARequired.Error() }

// Unwrap gives ErrMFARequired, for errors.Is.
func (e *MFAError) Unwrap() error { return ErrMFARequired }

func challenge(answer *identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithPasswordResponse) *MFAError {
	due := MFAChallenge{PendingCredential: answer.MfaPendingCredential}
	for _, enrolled := range answer.MfaInfo {
		factor := Factor{ID: enrolled.MfaEnrollmentId, DisplayName: enrolled.DisplayName}
		switch {
		case enrolled.TotpInfo != nil:
			factor.Kind = FactorTOTP
		case enrolled.PhoneInfo != "":
			factor.Kind = FactorPhone
		}
		due.Factors = append(due.Factors, factor)
	}
	return &MFAError{Challenge: due}
}

// FinishSignIn proves the second factor of a sign-in by a TOTP code (A11). Sent once: a code is good once, and each try counts.
// Errors: ErrInvalidCredentials (a wrong or used code); ErrInvalidCode (no such pending sign-in or factor) and ErrExpiredCode
// (more than five minutes since the password), after which only SignIn helps; ErrUserDisabled, ErrSignInBlocked,
// ErrTooManyAttempts, ErrUnreachable. Google finishes a sign-in whose account was disabled meanwhile.
// https://cloud.google.com/identity-platform/docs/reference/rest/v2/accounts.mfaSignIn/finalize
func (c *Client) FinishSignIn(ctx context.Context, pendingCredential, factorID, code string) (Session, error) {
	switch {
	case pendingCredential == "" || factorID == "":
		return Session{}, fmt.Errorf("firebase %s: %w", opFinishSignIn, ErrInvalidCode)
	case code == "":
		return Session{}, fmt.Errorf("firebase %s: %w", opFinishSignIn, ErrInvalidCredentials)
	}
	var session Session
	err := c.call(ctx, opFinishSignIn, once, func(ctx context.Context) error {
		answer, err := c.factors.MfaSignIn.Finalize(&mfa.GoogleCloudIdentitytoolkitV2FinalizeMfaSignInRequest{
			MfaPendingCredential: pendingCredential, MfaEnrollmentId: factorID, TenantId: c.tenant,
			TotpVerificationInfo: &mfa.GoogleCloudIdentitytoolkitV2MfaTotpSignInRequestInfo{VerificationCode: code},
		}).Context(ctx).Do()
		if err != nil {
			return err
		}
		claims, err := readIDToken(answer.IdToken)
		if err != nil {
			return err
		}
		session = Session{ // the answer has neither uid nor life beside the token
			IDToken: answer.IdToken, RefreshToken: answer.RefreshToken, UID: claims.Subject,
			ExpiresIn: time.Duration(claims.ExpiresAt-claims.IssuedAt) * time.Second,
		}
		return c.check(session)
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}
