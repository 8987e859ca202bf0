package identity

import (
	"errors"
	"net/http"
	"slices"
	"time"
)

const (
	secondFactorTOTP = "totp"

	pendingLife    = 5 * time.Minute // Firebase's value
	enrollmentLife = 15 * time.Minute
	maxFactorName  = 256
)

// factor is TOTP; SMS is not served.
type factor struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"displayName,omitempty"`
	Secret      string    `json:"secret"`
	EnrolledAt  time.Time `json:"enrolledAt"`
	LastStep    int64     `json:"lastStep,omitempty"` // codes work once
}

type factorView struct {
	ID          string   `json:"mfaEnrollmentId"`
	DisplayName string   `json:"displayName,omitempty"`
	EnrolledAt  string   `json:"enrolledAt"`
	TOTPInfo    struct{} `json:"totpInfo"`
}

func (a account) factorViews() []factorView {
	var views []factorView
	for _, f := range a.Factors {
		views = append(views, factorView{ID: f.ID, DisplayName: f.DisplayName, EnrolledAt: f.EnrolledAt.Format(time.RFC3339Nano)})
	}
	return views
}

func (a account) factor(id string) (int, bool) {
	for index, f := range a.Factors {
		if f.ID == id {
			return index, true
		}
	}
	return 0, false
}

// EnrollTOTP enrols a factor and returns the secret for [TOTP].
func (p *Provider) EnrollTOTP(uid, displayName string) (factorID, secret string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, found := p.users.get(uid)
	if !found {
		return "", "", errUserNotFound
	}
	enrolled := p.newFactor(displayName, p.newTOTPSecret())
	user.Factors = append(user.Factors, enrolled)
	p.users.put(user)
	p.changed()
	return enrolled.ID, enrolled.Secret, nil
}

func (p *Provider) newTOTPSecret() string { return totpEncoding.EncodeToString(p.randomBytes(20)) }

func (p *Provider) newFactor(displayName, secret string) factor {
	return factor{ID: p.randomID(28), DisplayName: displayName, Secret: secret, EnrolledAt: p.now()}
}

// refuseV2 has the v2 API's status and no errors list.
func refuseV2(message string) *apiError {
	return &apiError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: message, bare: true}
}

var errInvalidArgument = refuseV2("Request contains an invalid argument.")

func v2(err error) error {
	var refusal *apiError
	if errors.As(err, &refusal) && refusal.status == "" {
		return refuseV2(refusal.message)
	}
	return err
}

// pendingSignIn is sealed in the pending credential.
type pendingSignIn struct {
	LocalID  string    `json:"u"`
	Provider string    `json:"p"`
	Started  time.Time `json:"t"`
}

type pendingFactor struct {
	PendingCredential string       `json:"mfaPendingCredential,omitempty"`
	MFAInfo           []factorView `json:"mfaInfo,omitempty"`
}

func (p *Provider) challenge(user account, providerID string) (pendingFactor, error) {
	pending, err := p.sealAs(sealPending, pendingSignIn{LocalID: user.LocalID, Provider: providerID, Started: p.now()})
	return pendingFactor{PendingCredential: pending, MFAInfo: user.factorViews()}, err
}

type verificationCode struct {
	SessionInfo      string `json:"sessionInfo"`
	VerificationCode string `json:"verificationCode"`
}

type signInCode struct {
	VerificationCode string `json:"verificationCode"`
}

type finalizeSignInRequest struct {
	PendingCredential string      `json:"mfaPendingCredential"`
	FactorID          string      `json:"mfaEnrollmentId"`
	TOTP              *signInCode `json:"totpVerificationInfo"`
}

type finalizeResponse struct {
	IDToken      string    `json:"idToken"`
	RefreshToken string    `json:"refreshToken"`
	TOTPAuthInfo *struct{} `json:"totpAuthInfo,omitempty"`
}

// finalizeSignIn follows Firebase: the pending credential is reusable, a code is not, and a disabled account passes.
func (p *Provider) finalizeSignIn(_ *call, in *finalizeSignInRequest) (any, error) {
	if in.PendingCredential == "" || in.FactorID == "" || in.TOTP == nil || in.TOTP.VerificationCode == "" {
		return nil, errInvalidArgument
	}
	var pending pendingSignIn
	if !p.openAs(sealPending, in.PendingCredential, &pending) {
		return nil, refuseV2("INVALID_PENDING_TOKEN")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	user, found := p.users.get(pending.LocalID)
	index, enrolled := user.factor(in.FactorID)
	switch {
	case !found:
		return nil, v2(errUserNotFound)
	case p.now().Sub(pending.Started) >= pendingLife, pending.Started.Before(user.SessionsFrom):
		return nil, refuseV2("TOTP_CHALLENGE_TIMEOUT : TOTP challenge timeout, provide first factor again.")
	case !enrolled:
		return nil, refuseV2("INVALID_MFA_ENROLLMENT_ID")
	}
	step, right := user.Factors[index].matches(in.TOTP.VerificationCode, p.now())
	if !right {
		return nil, refuseV2("INVALID_CODE")
	}
	user.Factors[index].LastStep = step
	user.LastLoginAt = p.now()
	s := p.start(user, pending.Provider)
	s.Factor = in.FactorID
	pair, err := p.issue(user, s)
	if err != nil {
		return nil, err
	}
	return finalizeResponse{IDToken: pair.IDToken, RefreshToken: pair.RefreshToken}, nil
}

// enrollment is sealed in the session info.
type enrollment struct {
	LocalID string    `json:"u"`
	Secret  string    `json:"s"`
	Started time.Time `json:"t"`
}

type startEnrollmentRequest struct {
	IDToken string    `json:"idToken"`
	TOTP    *struct{} `json:"totpEnrollmentInfo"`
}

type totpSessionInfo struct {
	SharedSecretKey        string `json:"sharedSecretKey"`
	VerificationCodeLength int    `json:"verificationCodeLength"`
	HashingAlgorithm       string `json:"hashingAlgorithm"`
	PeriodSec              int    `json:"periodSec"`
	SessionInfo            string `json:"sessionInfo"`
	FinalizeEnrollmentTime string `json:"finalizeEnrollmentTime"`
}

// startEnrollment needs a verified address and a recent sign-in.
func (p *Provider) startEnrollment(_ *call, in *startEnrollmentRequest) (any, error) {
	if in.TOTP == nil {
		return nil, errInvalidArgument
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	user, claims, err := p.authenticate(in.IDToken)
	if err == nil {
		err = p.recent(claims)
	}
	switch {
	case err != nil:
		return nil, v2(err)
	case !user.EmailVerified:
		return nil, refuseV2("UNVERIFIED_EMAIL : Need to verify email first before enrolling second factors.")
	case len(user.Factors) > 0:
		return nil, refuseV2("SECOND_FACTOR_LIMIT_EXCEEDED")
	}
	secret := p.newTOTPSecret()
	session, err := p.sealAs(sealEnrollment, enrollment{LocalID: user.LocalID, Secret: secret, Started: p.now()})
	if err != nil {
		return nil, err
	}
	return map[string]totpSessionInfo{"totpSessionInfo": {
		SharedSecretKey: secret, VerificationCodeLength: totpDigits, HashingAlgorithm: "SHA1", PeriodSec: int(totpPeriod / time.Second),
		SessionInfo: session, FinalizeEnrollmentTime: p.now().Add(enrollmentLife).Format(time.RFC3339Nano),
	}}, nil
}

type finalizeEnrollmentRequest struct {
	IDToken     string            `json:"idToken"`
	DisplayName string            `json:"displayName"`
	TOTP        *verificationCode `json:"totpVerificationInfo"`
}

// finalizeEnrollment continues the session with the factor.
func (p *Provider) finalizeEnrollment(_ *call, in *finalizeEnrollmentRequest) (any, error) {
	if in.TOTP == nil {
		return nil, errInvalidArgument
	}
	var started enrollment
	if !p.openAs(sealEnrollment, in.TOTP.SessionInfo, &started) {
		return nil, refuseV2("INVALID_SESSION_INFO")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	user, claims, err := p.authenticate(in.IDToken)
	enrolled := p.newFactor(in.DisplayName, started.Secret)
	_, right := enrolled.matches(in.TOTP.VerificationCode, p.now())
	switch {
	case err != nil:
		return nil, v2(err)
	case started.LocalID != user.LocalID:
		return nil, refuseV2("INVALID_SESSION_INFO")
	case p.now().Sub(started.Started) >= enrollmentLife:
		return nil, refuseV2("SESSION_EXPIRED")
	case len(user.Factors) > 0:
		return nil, refuseV2("MFA_ENROLLMENT_ALREADY_COMPLETE")
	case in.DisplayName == "" || len(in.DisplayName) > maxFactorName:
		return nil, refuseV2("MISSING_DISPLAY_NAME")
	case !right:
		return nil, refuseV2("INVALID_CODE")
	}
	user.Factors = append(user.Factors, enrolled)
	s := claims.continued(user)
	s.Factor = enrolled.ID
	pair, err := p.issue(user, s)
	if err != nil {
		return nil, err
	}
	return finalizeResponse{IDToken: pair.IDToken, RefreshToken: pair.RefreshToken, TOTPAuthInfo: &struct{}{}}, nil
}

type withdrawRequest struct {
	IDToken  string `json:"idToken"`
	FactorID string `json:"mfaEnrollmentId"`
}

type withdrawResponse struct {
	IDToken      string `json:"idToken"`
	RefreshToken string `json:"refreshToken"`
}

// withdrawEnrollment continues the session without the factor.
func (p *Provider) withdrawEnrollment(_ *call, in *withdrawRequest) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, claims, err := p.authenticate(in.IDToken)
	if err != nil {
		return nil, err
	}
	index, enrolled := user.factor(in.FactorID)
	if !enrolled {
		return nil, refuse("MFA_ENROLLMENT_NOT_FOUND")
	}
	user.Factors = slices.Delete(user.Factors, index, index+1)
	s := claims.continued(user)
	s.Factor = ""
	pair, err := p.issue(user, s)
	return withdrawResponse{IDToken: pair.IDToken, RefreshToken: pair.RefreshToken}, err
}
