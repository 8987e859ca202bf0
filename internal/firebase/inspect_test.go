package firebase_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
)

func googleProject(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "oauth2.googleapis.com" {
			_, _ = io.WriteString(w, `{"access_token":"ya29.service","token_type":"Bearer","expires_in":3600}`)
			return
		}
		body, known := answers[r.Method+" "+r.URL.Host+r.URL.Path]
		if !known {
			http.Error(w, `{"error":{"code":403,"message":"Cloud Resource Manager API has not been used in project 1 before","status":"PERMISSION_DENIED"}}`, http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", "Sat, 28 Nov 2026 05:00:00 GMT")
		_, _ = io.WriteString(w, body)
	}
}

func TestInspect_WhatGoogleSaysIsUnderstood(t *testing.T) {
	t.Parallel()
	client, _ := production(t, googleProject(map[string]string{
		"POST cloudresourcemanager.googleapis.com/v1/projects/demo-test:testIamPermissions":                 `{"permissions":["firebaseauth.users.get"]}`,
		"GET firebaseappcheck.googleapis.com/v1/projects/demo-test/services/identitytoolkit.googleapis.com": `{"enforcementMode":"ENFORCED"}`,
		"GET identitytoolkit.googleapis.com/v1/projects":                                                    `{"projectId":"123456","authorizedDomains":["demo-test.firebaseapp.com"]}`,
		"GET identitytoolkit.googleapis.com/v2/projects/demo-test/config": `{"name":"projects/123456/config","signIn":{"email":{"enabled":true}},
			"emailPrivacyConfig":{"enableImprovedEmailPrivacy":true},"client":{"apiKey":"web-key","permissions":{"disabledUserDeletion":true}},
			"mfa":{"state":"ENABLED","providerConfigs":[{"state":"DISABLED","totpProviderConfig":{}}]},
			"blockingFunctions":{"triggers":{"beforeSignIn":{},"beforeCreate":{}}},
			"passwordPolicyConfig":{"passwordPolicyEnforcementState":"ENFORCE","passwordPolicyVersions":[{"customStrengthOptions":
				{"minPasswordLength":12,"containsNumericCharacter":true}}]}}`,
	}))
	if granted, err := client.Permissions(t.Context(), []string{"firebaseauth.users.get", "firebaseauth.users.update"}); err != nil || len(granted) != 1 {
		t.Errorf("granted are %v (%v)", granted, err)
	}
	if enforced, err := client.AppCheckEnforced(t.Context()); err != nil || !enforced {
		t.Errorf("App Check is enforced: %t (%v)", enforced, err)
	}
	if err := client.CanSign(t.Context()); err != nil {
		t.Errorf("with a key file it cannot sign: %v", err)
	}
	owner, err := client.OwnerOfKey(t.Context())
	if want := time.Date(2026, 11, 28, 5, 0, 0, 0, time.UTC); err != nil || owner.Number != "123456" || !owner.Date.Equal(want) {
		t.Errorf("the key's owner is %+v (%v)", owner, err)
	}
	s, err := client.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case s.Name != "123456", s.WebKey != "web-key", !s.EnumerationProtected, s.DuplicateEmails, !s.PasswordSignIn, s.SignUpDisabled, !s.DeletionDisabled,
		s.TOTP, s.SecondFactors != "ENABLED", s.Recaptcha, !slices.Equal(s.BlockingFunctions, []string{"beforeCreate", "beforeSignIn"}):
		t.Errorf("the settings are %+v", s)
	case s.Policy == nil, s.Policy.MinLength != 12, s.Policy.AtSignIn, !slices.Equal(s.Policy.Demands, []string{"a digit"}):
		t.Errorf("the policy is %+v", s.Policy)
	}
}

func TestInspect_ARefusalIsNoAnswer(t *testing.T) {
	t.Parallel()
	client, _ := production(t, googleProject(nil))
	_, settings := client.Settings(t.Context())
	_, permissions := client.Permissions(t.Context(), []string{"firebaseauth.users.get"})
	_, appCheck := client.AppCheckEnforced(t.Context())
	_, key := client.OwnerOfKey(t.Context())
	for what, err := range map[string]error{"settings": settings, "permissions": permissions, "App Check": appCheck, "key": key} {
		if !errors.Is(err, firebase.ErrRefused) {
			t.Errorf("%s: %v, expected a refusal", what, err)
			continue
		}
		holdsNoSecret(t, err)
	}
}

func TestInspect_TheDevelopmentProvider(t *testing.T) {
	t.Parallel()
	provider, client := newProvider(t)
	s, err := client.Settings(t.Context())
	if err != nil || !s.EnumerationProtected || !s.PasswordSignIn || !s.TOTP || s.WebKey != apiKey || s.Name != "demo-test" {
		t.Errorf("the settings are %+v (%v)", s, err)
	}
	provider.SetEnumerationProtection(false)
	provider.ShowConfig(map[string]any{"signIn": map[string]any{"allowDuplicateEmails": true}})
	if s, err = client.Settings(t.Context()); err != nil || s.EnumerationProtected || !s.DuplicateEmails || !s.PasswordSignIn {
		t.Errorf("the sick settings are %+v (%v)", s, err)
	}
	if owner, err := client.OwnerOfKey(t.Context()); err != nil || time.Since(owner.Date).Abs() > 5*time.Second {
		t.Errorf("the key's owner is %+v (%v)", owner, err)
	}
	_, other := newProvider(t, func(o *identity.Options) { o.APIKey = "another" })
	if _, err := other.OwnerOfKey(t.Context()); err == nil || strings.Contains(err.Error(), apiKey) {
		t.Errorf("a wrong key: %v, expected a refusal without it", err)
	}
	_, permissions := client.Permissions(t.Context(), nil)
	_, appCheck := client.AppCheckEnforced(t.Context())
	for what, err := range map[string]error{"permissions": permissions, "App Check": appCheck, "signing": client.CanSign(t.Context())} {
		if !errors.Is(err, firebase.ErrNotThere) {
			t.Errorf("%s: %v, expected ErrNotThere", what, err)
		}
	}
}
