package authclient

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// refusal is a request that is not let through: what the client hears, and for an outage why, which only OnVerify hears.
type refusal struct {
	status     int
	code       string
	message    string
	challenge  string // WWW-Authenticate; "" for what the status demands
	retryAfter int    // seconds; 0 for no advice
	cause      error
}

// What is refused without asking, and by RequireType. The words are the service's.
var (
	errMissing        = &refusal{status: http.StatusUnauthorized, code: "token_missing", message: "A bearer token is required", challenge: "Bearer"}
	errMalformed      = &refusal{status: http.StatusUnauthorized, code: "token_invalid", message: "The token is not valid"}
	errTwoCredentials = &refusal{status: http.StatusBadRequest, code: "invalid_request", message: "Send one credential, not several"}
	errForbidden      = &refusal{status: http.StatusForbidden, code: "forbidden", message: "This account may not do this"}
	errMisplaced      = &refusal{status: http.StatusInternalServerError, code: "internal", message: "Something went wrong on our side"}
)

// maxRetryAfter bounds the advice that is handed on from the service, in seconds.
const maxRetryAfter = 60

// unavailable is the one answer to everything that is neither a vouched user nor the service's own refusal. answered is the
// header of the answer that there was, if any: it may say when to come back.
func unavailable(cause error, answered http.Header) *refusal {
	seconds, err := strconv.Atoi(answered.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	return &refusal{
		status: http.StatusServiceUnavailable, code: "dependency_unavailable",
		message: "Nobody can say who you are right now; try again in a moment", retryAfter: min(max(1, seconds), maxRetryAfter),
		cause: cause,
	}
}

// Error implements error; the cause is for OnVerify.
func (e *refusal) Error() string { return e.code }

// refusalOf is nil for nil. An error that is no refusal is an outage: what is not understood is not let through.
func refusalOf(err error) *refusal {
	if err == nil {
		return nil
	}
	var out *refusal
	if errors.As(err, &out) {
		return out
	}
	return unavailable(err, nil)
}

// write answers with the service's envelope.
func (e *refusal) write(w http.ResponseWriter, id string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set(requestIDHeader, id)
	if e.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", e.challengeOr(`Bearer error="invalid_token"`))
	}
	if e.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(struct { // the client has gone; nobody to tell
		Success   bool   `json:"success"`
		Message   string `json:"message"`
		Code      string `json:"code"`
		RequestID string `json:"request_id"`
	}{Message: e.message, Code: e.code, RequestID: id})
}

func (e *refusal) challengeOr(usual string) string {
	if e.challenge != "" {
		return e.challenge
	}
	return usual
}
