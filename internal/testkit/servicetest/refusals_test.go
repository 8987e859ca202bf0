package servicetest

import (
	"net/http"
	"slices"
	"testing"
)

func TestRefusals_AreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	login := contract().Paths.Value("/v1/auth/login").Post
	say := func(code, message string) error {
		return checkRefusal(login, http.StatusUnauthorized, []byte(`{"code":"`+code+`","message":"`+message+`"}`))
	}
	if say("token_expired", "The token has expired") == nil {
		t.Error("login may say token_expired, expected only what the contract shows")
	}
	isUnheard := func() bool {
		missing, _ := unheardExamples()
		return slices.Contains(missing, `Login 401 mfa_required "A second factor is required"`)
	}
	if err := say("mfa_required", "Other words"); err != nil || !isUnheard() {
		t.Errorf("other words under a code that is shown: %v, expected them to pass and the example to stay unheard", err)
	}
	if err := say("mfa_required", "A second factor is required"); err != nil || isUnheard() {
		t.Errorf("the example's own words: %v, expected it to be heard", err)
	}
}
