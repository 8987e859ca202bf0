package firebase_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"auth-v2-service/internal/firebase"
)

func TestRefusal_ReasonsOfTheDetails(t *testing.T) {
	for _, c := range []struct {
		status  int
		says    string
		reasons string
		refusal error
		unknown bool
	}{
		{403, "PERMISSION_DENIED", `{"reason":"IAM_PERMISSION_DENIED"}`, firebase.ErrRefused, false},
		{403, "PERMISSION_DENIED", `{"reason":"SOMETHING_NEW"},{"links":[]}`, firebase.ErrRefused, false},
		{400, "INVALID_ARGUMENT", `{"reason":"API_KEY_INVALID"},{"reason":"SOMETHING_NEW"}`, firebase.ErrRefused, false},
		{403, "PERMISSION_DENIED", `{"reason":"RATE_LIMIT_EXCEEDED"}`, firebase.ErrQuota, false},
		{400, "RESOURCE_EXHAUSTED", `{"reason":"SOMETHING_NEW"}`, firebase.ErrQuota, false},
		{400, "INVALID_ARGUMENT", `{"reason":"SOMETHING_NEW"}`, firebase.ErrRefused, true},
		{400, "", "", firebase.ErrRefused, true},
	} {
		body := fmt.Sprintf(`{"error":{"code":%d,"message":"Words.","status":%q,"details":[%s]}}`, c.status, c.says, c.reasons)
		err := operations["import"](t.Context(), newGoogle(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(body))
		}).client(t))
		if !errors.Is(err, c.refusal) || errors.Is(err, firebase.ErrUnknown) != c.unknown {
			t.Errorf("%s gives %v, expected %v", body, err, c.refusal)
		}
	}
}
