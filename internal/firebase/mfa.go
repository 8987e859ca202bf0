package firebase

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
	mfa "google.golang.org/api/identitytoolkit/v2"
)

// FactorTOTP is what FinishSignIn takes; the Firebase SDK sends text messages (A11).
const (
	FactorTOTP  = "totp"
	FactorPhone = "phone"
)

// Factor is an enrolled second factor.
type Factor struct {
	ID          string
	Kind        string // "" for other kinds
	DisplayName string
}

// MFAChallenge asks for a second factor. PendingCredential is a secret and lasts five minutes.
type MFAChallenge struct {
	PendingCredential string
	Factors           []Factor
}

// MFAError is ErrMFARequired with a challenge, which its text hides.
type MFAError struct{ Challenge MFAChallenge }

func (e *MFAError) Error() string { return ErrMFARequired.Error() }

// Unwrap returns ErrMFARequired.
func (e *MFAError) Unwrap() error { return ErrMFARequired }

func challenge(answer *identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithPasswordResponse) *MFAError {
	return &MFAError{Challenge: MFAChallenge{PendingCredential: answer.MfaPendingCredential, Factors: toFactors(answer.MfaInfo)}}
}

func toFactors(enrolled []*identitytoolkit.GoogleCloudIdentitytoolkitV1MfaEnrollment) []Factor {
	var factors []Factor
	for _, e := range enrolled {
		factor := Factor{ID: e.MfaEnrollmentId, DisplayName: e.DisplayName}
		switch {
		case e.TotpInfo != nil:
			factor.Kind = FactorTOTP
		case e.PhoneInfo != "":
			factor.Kind = FactorPhone
		}
		factors = append(factors, factor)
	}
	return factors
}

// FinishSignIn proves a TOTP code (A11), once: each try counts. Errors: ErrInvalidCredentials (the code), ErrInvalidCode (the pending
// sign-in or factor), ErrExpiredCode, ErrUserDisabled, ErrSignInBlocked. Google finishes it for an account disabled meanwhile.
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
		session = Session{
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
