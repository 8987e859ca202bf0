package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"unicode"
	"unicode/utf8"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/user"
)

// status is the only map of codes to statuses (docs/errors.md).
var status = map[fault.Code]int{
	fault.InvalidRequest:        http.StatusBadRequest,
	fault.TokenMissing:          http.StatusUnauthorized,
	fault.TokenInvalid:          http.StatusUnauthorized,
	fault.TokenExpired:          http.StatusUnauthorized,
	fault.TokenRevoked:          http.StatusUnauthorized,
	fault.InvalidCredentials:    http.StatusUnauthorized,
	fault.MFARequired:           http.StatusUnauthorized,
	fault.ReauthRequired:        http.StatusUnauthorized,
	fault.AccountDeactivated:    http.StatusForbidden,
	fault.Forbidden:             http.StatusForbidden,
	fault.SignInBlocked:         http.StatusForbidden,
	fault.NotFound:              http.StatusNotFound,
	fault.MethodNotAllowed:      http.StatusMethodNotAllowed,
	fault.EmailTaken:            http.StatusConflict,
	fault.UsernameTaken:         http.StatusConflict,
	fault.AccountLinkRequired:   http.StatusConflict,
	fault.IdentityConflict:      http.StatusConflict,
	fault.RunConflict:           http.StatusConflict,
	fault.InsufficientBalance:   http.StatusConflict,
	fault.IdempotencyConflict:   http.StatusUnprocessableEntity,
	fault.BalanceOverflow:       http.StatusUnprocessableEntity,
	fault.WeakPassword:          http.StatusUnprocessableEntity,
	fault.UnsupportedIdentity:   http.StatusUnprocessableEntity,
	fault.PayloadTooLarge:       http.StatusRequestEntityTooLarge,
	fault.UnsupportedMediaType:  http.StatusUnsupportedMediaType,
	fault.RateLimited:           http.StatusTooManyRequests,
	fault.Internal:              http.StatusInternalServerError,
	fault.DependencyUnavailable: http.StatusServiceUnavailable,
}

var (
	errInternal      = fault.New(fault.Internal, "something went wrong on our side")
	errTimeout       = fault.Unavailable("this took too long; try again in a moment", nil)
	errNoRoute       = fault.New(fault.NotFound, "there is nothing at this path")
	errMethod        = fault.New(fault.MethodNotAllowed, "this path does not take this method")
	errTooLarge      = fault.New(fault.PayloadTooLarge, "the body is over 65536 bytes")
	errMediaType     = fault.New(fault.UnsupportedMediaType, "send the body as application/json, in UTF-8 and not compressed")
	errTwoCredential = fault.New(fault.InvalidRequest, "send one credential, not several")
)

// writeError is the only writer of errors. The cause goes to the log only.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	refusal := refusalOf(err)
	code := status[refusal.Code]
	if understood, ok := operationOf(r).proxyStatuses[code]; ok {
		code = understood
	}
	noteError(r.Context(), refusal.Code, err)
	header := w.Header()
	header.Set("Content-Type", "application/json")
	if code == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", challenge(refusal.Code))
	}
	if code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests {
		header.Set("Retry-After", retryAfter(refusal))
	}
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(toAPIError(refusal, challengeOf(err), telemetry.RequestID(r.Context()))) // on error the client has gone
	}
}

// refusalOf makes an expired context an outage.
func refusalOf(err error) *fault.Error {
	var refusal *fault.Error
	if errors.As(err, &refusal) {
		if refusal.Code == fault.Internal {
			return errInternal
		}
		if _, known := status[refusal.Code]; known {
			return refusal
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errTimeout
	}
	return errInternal
}

func toAPIError(refusal *fault.Error, mfa *api.MFAChallenge, requestID string) api.Failure {
	out := api.Failure{
		MFA: mfa, Errors: nil,
		Success: false, Message: sentence(refusal.Message), Code: api.ErrorCode(refusal.Code), RequestID: requestID,
	}
	if refusal.Fields != nil {
		fields := make([]api.FieldError, len(refusal.Fields))
		for i, f := range refusal.Fields {
			fields[i] = api.FieldError{Field: f.Field, Message: f.Message}
		}
		out.Errors = &fields
	}
	return out
}

// challengeOf returns Firebase's second-factor data for the client, or nil.
func challengeOf(err error) *api.MFAChallenge {
	var demand *account.MFAError
	if refusalOf(err).Code != fault.MFARequired || !errors.As(err, &demand) {
		return nil // another refusal may have a challenge among its causes
	}
	out := &api.MFAChallenge{PendingCredential: demand.Challenge.PendingCredential, Factors: []api.MFAFactor{}}
	for _, f := range demand.Challenge.Factors {
		out.Factors = append(out.Factors, api.MFAFactor{ID: f.ID, Kind: api.MFAFactorKind(f.Kind), Name: orNull(f.DisplayName)})
	}
	return out
}

func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	return string(unicode.ToUpper(first)) + message[size:]
}

// challenge follows RFC 6750 section 3.
func challenge(code fault.Code) string {
	switch code {
	case fault.TokenInvalid, fault.TokenExpired, fault.TokenRevoked:
		return `Bearer error="invalid_token"`
	default:
		return "Bearer"
	}
}

func retryAfter(refusal *fault.Error) string {
	return strconv.Itoa(max(1, int(math.Ceil(refusal.RetryAfter.Seconds()))))
}

// goneIsRevoked: a row deleted after admission is a revoked session (F10).
func goneIsRevoked(err error) error {
	if errors.Is(err, user.ErrNotFound) {
		return user.ErrRevoked
	}
	return err
}
