package firebase_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
)

// M9.
func TestProduction_CustomTokenByKey(t *testing.T) {
	var token string
	client, d := production(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Host == "oauth2.googleapis.com":
			_, _ = io.WriteString(w, `{"access_token":"ya29.service","token_type":"Bearer","expires_in":3600}`)
			return
		case strings.HasSuffix(r.URL.Path, "signInWithCustomToken"):
			token = customTokenOf(t, r)
		}
		answer(everything)(w, r)
	})
	if _, err := client.SignInAs(t.Context(), "uid-of-jane", nil); err != nil {
		t.Fatal(err)
	}
	input, signature := cutSignature(t, token)
	digest := sha256.Sum256([]byte(input))
	if err := rsa.VerifyPKCS1v15(d.key, crypto.SHA256, digest[:], signature); err != nil {
		t.Errorf("the signature is not the service account's: %v", err)
	}
	claims := segmentOf(t, token, 1)
	if segmentOf(t, token, 0)["alg"] != "RS256" || claims["iss"] != accountName || claims["sub"] != accountName || claims["uid"] != "uid-of-jane" {
		t.Errorf("the token says %v", claims)
	}
}

func TestProduction_CustomTokenByIAM(t *testing.T) {
	var token string
	d := &detour{handler: func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Host == "oauth2.googleapis.com":
			aToken(w)
		case strings.HasSuffix(r.URL.Path, ":generateAccessToken"):
			_, _ = io.WriteString(w, `{"accessToken":"ya29.service","expireTime":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
		case strings.HasSuffix(r.URL.Path, ":signBlob"):
			if r.URL.Path != "/v1/projects/-/serviceAccounts/"+accountName+":signBlob" || r.Header.Get("Authorization") != "Bearer ya29.service" {
				t.Errorf("asked %s as %q", r.URL, r.Header.Get("Authorization"))
			}
			_, _ = io.WriteString(w, `{"signedBlob":"`+base64.StdEncoding.EncodeToString([]byte("signed by IAM"))+`"}`)
		case strings.HasSuffix(r.URL.Path, "signInWithCustomToken"):
			token = customTokenOf(t, r)
			answer(everything)(w, r)
		default:
			answer(everything)(w, r)
		}
	}}
	client := clientOf(t, d, `{"type":"impersonated_service_account",
		"service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/`+accountName+`:generateAccessToken",
		"source_credentials":{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}}`)
	if _, err := client.SignInAs(t.Context(), "uid-of-jane", nil); err != nil {
		t.Fatal(err)
	}
	if _, signature := cutSignature(t, token); string(signature) != "signed by IAM" || segmentOf(t, token, 1)["iss"] != accountName {
		t.Errorf("the token is %s", token)
	}
}

func TestProduction_CustomTokenOfAPerson(t *testing.T) {
	d := &detour{handler: func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "oauth2.googleapis.com" {
			aToken(w)
			return
		}
		answer(everything)(w, r)
	}}
	client := clientOf(t, d, `{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}`)
	_, err := client.SignInAs(t.Context(), "uid-of-jane", nil)
	if fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "service account") {
		t.Errorf("got %v", err)
	}
}

func aToken(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"access_token":"ya29.person","token_type":"Bearer","expires_in":3600}`)
}

func clientOf(t *testing.T, d *detour, credentials string) *firebase.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(credentials), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := firebase.New(t.Context(), firebase.Options{ProjectID: "demo-test", APIKey: apiKey, CredentialsFile: path, Transport: d})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func customTokenOf(t *testing.T, r *http.Request) string {
	t.Helper()
	var body struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	return body.Token
}

func cutSignature(t *testing.T, token string) (string, []byte) {
	t.Helper()
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		t.Fatalf("%q is no token", token)
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		t.Fatal(err)
	}
	return token[:at], signature
}
