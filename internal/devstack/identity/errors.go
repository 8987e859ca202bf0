package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// apiError has Google's shape. Identity Toolkit sends an errors list; the infrastructure and Secure Token send a status.
type apiError struct {
	code    int
	status  string
	message string
	reason  string
	bare    bool
}

func (e *apiError) Error() string { return fmt.Sprintf("identity: %d %s", e.code, e.message) }

func refuse(message string) *apiError {
	return &apiError{code: http.StatusBadRequest, message: message, reason: "invalid"}
}

func invalidArgument(format string, args ...any) *apiError {
	return &apiError{
		code: http.StatusBadRequest, status: "INVALID_ARGUMENT",
		message: fmt.Sprintf(format, args...), reason: "badRequest",
	}
}

func unauthenticated(message, reason string) *apiError {
	return &apiError{code: http.StatusUnauthorized, status: "UNAUTHENTICATED", message: message, reason: reason}
}

func permissionDenied(message string) *apiError {
	return &apiError{code: http.StatusForbidden, status: "PERMISSION_DENIED", message: message, reason: "forbidden"}
}

var (
	errMissingKey      = permissionDenied("The request is missing a valid API key.")
	errWrongKey        = invalidArgument("API key not valid. Please pass a valid API key.")
	errWrongCredential = unauthenticated("Request had invalid authentication credentials. Expected OAuth 2 access token, "+
		"login cookie or other valid authentication credential. "+
		"See https://developers.google.com/identity/sign-in/web/devconsole-project.", "authError")
	errInsufficientPermission = refuse("INSUFFICIENT_PERMISSION")
	errTargetProject          = refuse("INSUFFICIENT_PERMISSION : Only authenticated requests can specify target_project_id.")
	errUnknownProject         = refuse("CONFIGURATION_NOT_FOUND")
	errTenant                 = refuse("UNSUPPORTED_TENANT_OPERATION")
	errNotFound               = &apiError{code: http.StatusNotFound, status: "NOT_FOUND", message: "Not Found", reason: "notFound"}

	errMissingEmail     = refuse("MISSING_EMAIL")
	errInvalidEmail     = refuse("INVALID_EMAIL")
	errEmailExists      = refuse("EMAIL_EXISTS")
	errMissingPassword  = refuse("MISSING_PASSWORD")
	errWeakPassword     = refuse("WEAK_PASSWORD : Password should be at least 6 characters")
	errPhoneExists      = refuse("PHONE_NUMBER_EXISTS")
	errInvalidPhone     = refuse("INVALID_PHONE_NUMBER : Invalid format.")
	errDuplicateLocalID = refuse("DUPLICATE_LOCAL_ID")
	errMissingLocalID   = refuse("MISSING_LOCAL_ID")
	errMissingIDToken   = refuse("MISSING_ID_TOKEN")
	errInvalidIDToken   = refuse("INVALID_ID_TOKEN")
	errTokenExpired     = refuse("TOKEN_EXPIRED")
	errUserDisabled     = refuse("USER_DISABLED")
	errUserNotFound     = refuse("USER_NOT_FOUND")
	errTooOld           = refuse("CREDENTIAL_TOO_OLD_LOGIN_AGAIN")
	errInvalidOOBCode   = refuse("INVALID_OOB_CODE")
	errTooManyAttempts  = refuse("TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled due to " +
		"many failed login attempts. You can immediately restore it by resetting your password or you can try again later.")
)

type errorItem struct {
	Message string `json:"message"`
	Domain  string `json:"domain"`
	Reason  string `json:"reason"`
}

type errorBody struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Errors  []errorItem `json:"errors,omitempty"`
	Status  string      `json:"status,omitempty"`
}

func writeError(w http.ResponseWriter, err error) {
	var refusal *apiError
	if !errors.As(err, &refusal) {
		refusal = &apiError{code: http.StatusInternalServerError, status: "INTERNAL", message: err.Error(), reason: "backendError"}
	}
	body := errorBody{Code: refusal.code, Message: refusal.message, Status: refusal.status}
	if !refusal.bare {
		body.Errors = []errorItem{{Message: refusal.message, Domain: "global", Reason: refusal.reason}}
	}
	writeJSON(w, refusal.code, map[string]errorBody{"error": body})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
