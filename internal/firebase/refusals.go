package firebase

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"auth-v2-service/internal/fault"
)

// Google's refusals, for errors.Is.
var (
	ErrInvalidCredentials  = fault.New(fault.InvalidCredentials, "the e-mail or the password is wrong")
	ErrInvalidRefreshToken = fault.New(fault.TokenInvalid, "the refresh token is not valid")
	ErrSessionEnded        = fault.New(fault.TokenRevoked, "this session has been ended; sign in again")
	ErrUserDisabled        = fault.New(fault.AccountDeactivated, "this account is deactivated")
	ErrUserNotFound        = fault.New(fault.NotFound, "there is no such user at the identity provider")
	ErrEmailExists         = fault.New(fault.EmailTaken, "this e-mail address is taken")
	ErrUIDExists           = fault.New(fault.IdentityConflict, "this identity exists already")
	ErrWeakPassword        = fault.New(fault.WeakPassword, "the password is too weak")
	ErrInvalidUser         = fault.Invalid("these account details are not acceptable")
	ErrInvalidHash         = fault.New(fault.Internal, "the identity provider refused a password hash")
	ErrNotImported         = fault.New(fault.Internal, "the identity provider did not take this account")
	ErrNotDisplaceable     = fault.New(fault.IdentityConflict, "this account may belong to the owner of its address")
	ErrInvalidIDToken      = fault.New(fault.TokenInvalid, "the ID token is not valid")
	ErrExpiredIDToken      = fault.New(fault.TokenExpired, "the ID token has expired")
	ErrInvalidCode         = fault.New(fault.TokenInvalid, "this code is not valid, or was used")
	ErrExpiredCode         = fault.New(fault.TokenExpired, "this code has expired")
	ErrSignInBlocked       = fault.New(fault.SignInBlocked, "signing in is blocked by the project's rules")
	ErrMFARequired         = fault.New(fault.MFARequired, "a second factor is required")
	ErrTooManyAttempts     = fault.New(fault.RateLimited, "too many attempts, try again later").After(time.Minute)
	ErrNotDisabled         = fault.New(fault.IdentityConflict, "this account is not disabled at the identity provider")
	ErrNotDeleted          = fault.New(fault.Internal, "the identity provider did not delete this account")
	ErrQuota               = fault.New(fault.RateLimited, "the identity provider limits requests, try again later").After(time.Minute)
	ErrHashConfigHidden    = fault.Unavailable("the identity provider does not show the parameters of password hashes", nil)
	ErrUnreachable         = fault.Unavailable("the identity provider cannot be reached", nil)

	// ErrRefused needs an operator: a wrong API key, a missing permission, a redirect.
	ErrRefused = fault.Unavailable("the identity provider refused our request", nil)

	// ErrUnknown is a cause of ErrRefused, ErrNotImported or ErrNotDeleted: Google's reason is new to this client.
	ErrUnknown = errors.New("a refusal of an unknown kind")
)

// exceptions come before refusals.
var refusals = map[string]*fault.Error{
	"EMAIL_NOT_FOUND":           ErrInvalidCredentials,
	"INVALID_PASSWORD":          ErrInvalidCredentials,
	"INVALID_LOGIN_CREDENTIALS": ErrInvalidCredentials,
	"MISSING_PASSWORD":          ErrInvalidCredentials,

	"INVALID_REFRESH_TOKEN":   ErrInvalidRefreshToken,
	"MISSING_REFRESH_TOKEN":   ErrInvalidRefreshToken,
	"TOKEN_EXPIRED":           ErrSessionEnded, // revoked
	"PROJECT_NUMBER_MISMATCH": ErrInvalidRefreshToken,

	"INVALID_ID_TOKEN": ErrInvalidIDToken,
	"MISSING_ID_TOKEN": ErrInvalidIDToken,

	"INVALID_OOB_CODE": ErrInvalidCode,
	"MISSING_OOB_CODE": ErrInvalidCode,
	"EXPIRED_OOB_CODE": ErrExpiredCode,

	"INVALID_CODE":                   ErrInvalidCredentials, // a second factor's (A11)
	"MISSING_CODE":                   ErrInvalidCredentials,
	"INVALID_PENDING_TOKEN":          ErrInvalidCode,
	"INVALID_MFA_PENDING_CREDENTIAL": ErrInvalidCode,
	"MISSING_MFA_PENDING_CREDENTIAL": ErrInvalidCode,
	"INVALID_MFA_ENROLLMENT_ID":      ErrInvalidCode,
	"MISSING_MFA_ENROLLMENT_ID":      ErrInvalidCode,
	"MFA_ENROLLMENT_NOT_FOUND":       ErrInvalidCode,
	"TOTP_CHALLENGE_TIMEOUT":         ErrExpiredCode,
	"SESSION_EXPIRED":                ErrExpiredCode,

	"USER_DISABLED":  ErrUserDisabled,
	"USER_NOT_FOUND": ErrUserNotFound,

	"EMAIL_EXISTS":       ErrEmailExists,
	"DUPLICATE_EMAIL":    ErrEmailExists,
	"DUPLICATE_LOCAL_ID": ErrUIDExists,

	"WEAK_PASSWORD":                       ErrWeakPassword,
	"PASSWORD_DOES_NOT_MEET_REQUIREMENTS": ErrWeakPassword,
	"INVALID_EMAIL":                       ErrInvalidUser,
	"MISSING_EMAIL":                       ErrInvalidUser,
	"INVALID_NEW_EMAIL":                   ErrInvalidUser,
	"INVALID_LOCAL_ID":                    ErrInvalidUser,
	"MISSING_LOCAL_ID":                    ErrInvalidUser,
	"INVALID_DISPLAY_NAME":                ErrInvalidUser,
	"DISPLAY_NAME_TOO_LONG":               ErrInvalidUser,

	"INVALID_PASSWORD_HASH":  ErrInvalidHash,
	"INVALID_HASH_ALGORITHM": ErrInvalidHash,
	"MISSING_HASH_ALGORITHM": ErrInvalidHash,

	"BLOCKING_FUNCTION_ERROR_RESPONSE": ErrSignInBlocked, // A11

	"TOO_MANY_ATTEMPTS_TRY_LATER": ErrTooManyAttempts, // A4
	"QUOTA_EXCEEDED":              ErrQuota,
	"RESOURCE_EXHAUSTED":          ErrQuota,
	"RESET_PASSWORD_EXCEED_LIMIT": ErrTooManyAttempts,
}

// exceptions: a wrong address gets A3's one answer; a deleted user's sessions and codes end.
var exceptions = map[string]map[string]*fault.Error{
	opSignIn: {
		"INVALID_EMAIL":  ErrInvalidCredentials,
		"MISSING_EMAIL":  ErrInvalidCredentials,
		"USER_NOT_FOUND": ErrInvalidCredentials,
	},
	opRefresh: {
		"USER_NOT_FOUND": ErrInvalidRefreshToken,
	},
	opSendPasswordReset: {
		"EMAIL_NOT_FOUND": ErrUserNotFound,
		"INVALID_EMAIL":   ErrUserNotFound,
	},
	opSendVerification: {
		"TOKEN_EXPIRED": ErrExpiredIDToken,
	},
	opResetAddress: {
		"USER_NOT_FOUND":  ErrInvalidCode,
		"EMAIL_NOT_FOUND": ErrInvalidCode,
	},
	opResetPassword: {
		"USER_NOT_FOUND":  ErrInvalidCode,
		"EMAIL_NOT_FOUND": ErrInvalidCode,
	},
	opConfirmEmail: {
		"USER_NOT_FOUND":  ErrInvalidCode,
		"EMAIL_NOT_FOUND": ErrInvalidCode,
	},
	opFinishSignIn: {
		"USER_NOT_FOUND": ErrInvalidCode,
	},
}

// rowRefusals are an import's sentences. Unknown ones are hidden: they may quote the row.
var rowRefusals = map[string]*fault.Error{
	"localId belongs to an existing account - can not overwrite.": ErrUIDExists,
	"email exists in other account in database":                   ErrEmailExists,
	"email is invalid":    ErrInvalidUser,
	"localId is missing":  ErrInvalidUser,
	"localId is too long": ErrInvalidUser,
}

func rowRefusal(message string) error {
	message = strings.TrimSpace(message)
	if known, ok := rowRefusals[message]; ok {
		return known.With(errors.New(message))
	}
	code := vendorCode(message)
	if known, ok := refusals[code]; ok {
		return known.With(errors.New(code))
	}
	return ErrNotImported.With(unknownCode(code))
}

func unknownCode(code string) error {
	if code == "" {
		return ErrUnknown
	}
	return fmt.Errorf("%w: %s", ErrUnknown, code)
}

type refusal struct {
	status     int
	code       string
	reasons    []string // without a code: Google's status and the details' reasons
	retryAfter time.Duration
}

// fault returns ErrRefused for an unknown code, without Google's prose, which may quote the request.
func (r refusal) fault(operation string) error {
	known, ok := exceptions[operation][r.code]
	if !ok {
		known, ok = refusals[r.code]
	}
	switch {
	case ok:
	case r.status == http.StatusTooManyRequests, r.says(quotas):
		known = ErrQuota
	case r.status >= http.StatusInternalServerError, r.status == http.StatusRequestTimeout:
		known = ErrUnreachable
	default:
		known = ErrRefused
	}
	cause := fmt.Errorf("answered %d %s", r.status, strings.TrimSpace(r.code+" "+strings.Join(r.reasons, " ")))
	if known == ErrRefused && !r.says(denials) {
		cause = fmt.Errorf("%w: %w", ErrUnknown, cause)
	}
	out := known.With(cause)
	if out.RetryAfter > 0 && r.retryAfter > 0 {
		out = out.After(r.retryAfter)
	}
	return out
}

// quotas and denials are known reasons of ErrQuota and ErrRefused.
var (
	quotas  = []string{"RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED"}
	denials = []string{
		"PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "UNAUTHENTICATED", "INSUFFICIENT_PERMISSION", "OPERATION_NOT_ALLOWED",
		"CONFIGURATION_NOT_FOUND", "PROJECT_DISABLED", "API_KEY_INVALID", "SERVICE_DISABLED",
	}
)

func (r refusal) says(known []string) bool {
	return slices.Contains(known, r.code) || slices.ContainsFunc(r.reasons, func(reason string) bool { return slices.Contains(known, reason) })
}

// readRefusal reads {"error":{"code":400,"message":"CODE : words","status":"INVALID_ARGUMENT","details":[{"reason":"..."}]}} and restores
// the body.
func readRefusal(response *http.Response) refusal {
	body := readBody(response)
	var answer struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // a foreign body leaves the status
	r := refusal{status: response.StatusCode, code: vendorCode(answer.Error.Message), retryAfter: retryAfter(response.Header)}
	if r.code != "" {
		return r
	}
	if status := vendorCode(answer.Error.Status); status != "" {
		r.reasons = append(r.reasons, status)
	}
	for _, detail := range answer.Error.Details {
		if reason := vendorCode(detail.Reason); reason != "" {
			r.reasons = append(r.reasons, reason)
		}
	}
	return r
}

var codeShape = regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,63}$`)

// vendorCode returns "WEAK_PASSWORD" of "WEAK_PASSWORD : ...", or "" for prose.
func vendorCode(message string) string {
	code, _, _ := strings.Cut(message, ":")
	code = strings.TrimSpace(code)
	if !codeShape.MatchString(code) {
		return ""
	}
	return code
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
