package firebase_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/firebase"
)

// detour redirects and records Google's requests.
type detour struct {
	handler http.HandlerFunc
	key     *rsa.PublicKey
	mu      sync.Mutex
	urls    []string
}

const accountName = "auth@demo-test.iam.gserviceaccount.com"

func (d *detour) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	d.urls = append(d.urls, r.URL.String())
	d.mu.Unlock()
	answered := make(chan *http.Response, 1)
	go func() {
		recorder := httptest.NewRecorder()
		d.handler(recorder, r)
		answered <- recorder.Result()
	}()
	select {
	case response := <-answered:
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func production(t *testing.T, handler http.HandlerFunc) (*firebase.Client, *detour) {
	t.Helper()
	path, key := serviceAccount(t)
	d := &detour{handler: handler, key: key}
	client, err := firebase.New(t.Context(), firebase.Options{
		ProjectID: "demo-test", APIKey: apiKey, CredentialsFile: path, Transport: d, Timeout: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, d
}

func serviceAccount(t *testing.T) (string, *rsa.PublicKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "demo-test", "private_key_id": "1",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": accountName, "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, &key.PublicKey
}

func TestProduction_WhoAsksWhat(t *testing.T) {
	client, d := production(t, func(w http.ResponseWriter, r *http.Request) {
		switch authorization, key := r.Header.Get("Authorization"), r.Header.Get("X-Goog-Api-Key"); {
		case r.URL.Host == "oauth2.googleapis.com":
			_, _ = io.WriteString(w, `{"access_token":"ya29.service","token_type":"Bearer","expires_in":3600}`)
			return
		case !strings.Contains(r.URL.Path, "/projects/"):
			if key != apiKey || authorization != "" {
				t.Errorf("%s is asked with key %q and authorization %q", r.URL, key, authorization)
			}
		default:
			if key != "" || authorization != "Bearer ya29.service" {
				t.Errorf("%s is asked with key %q and authorization %q", r.URL, key, authorization)
			}
		}
		answer(everything)(w, r)
	})
	everyOperation(t, func(t *testing.T, _ string, run func(context.Context, *firebase.Client) error) {
		if err := run(t.Context(), client); err != nil {
			t.Error(err)
		}
	})
	tokens := 0
	for _, u := range d.urls {
		holdsNoSecret(t, errors.New(u))
		if u == "https://oauth2.googleapis.com/token" {
			tokens++
		}
	}
	if tokens != 1 {
		t.Errorf("the access token was fetched %d times, want once", tokens)
	}
}

func TestProduction_NoAccessToken(t *testing.T) {
	for name, token := range map[string]http.HandlerFunc{
		"hanging": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"refused": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"invalid_grant","error_description":"`+email+`"}`, http.StatusBadRequest)
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := production(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Host == "oauth2.googleapis.com" {
					token(w, r)
					return
				}
				answer(everything)(w, r)
			})
			start := time.Now()
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					_, err := client.User(t.Context(), "u")
					if !errors.Is(err, firebase.ErrUnreachable) {
						t.Errorf("looking up gives %v", err)
						return
					}
					holdsNoSecret(t, err)
				})
			}
			all.Wait()
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("20 callers took %v, one after the other", took)
			}
			hurried, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start = time.Now()
			if _, err := client.User(hurried, "u"); !errors.Is(err, firebase.ErrUnreachable) {
				t.Errorf("a caller in a hurry gets %v", err)
			}
			if took := time.Since(start); took > 400*time.Millisecond {
				t.Errorf("a caller with 50 ms waited %v", took)
			}
			if _, err := client.SignIn(t.Context(), email, password); err != nil {
				t.Errorf("signing in needs no access token and gives %v", err)
			}
		})
	}
}
