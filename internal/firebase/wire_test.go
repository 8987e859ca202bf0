package firebase_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
)

const (
	email        = "jane.doe@example.com"
	password     = "correct-horse-battery"
	refreshToken = "AMf-vBx-refresh-token-of-jane"
	apiKey       = "AIzaSyTestTestTestTestTestTestTestTest0"
	bcryptHash   = "$2a$04$0123456789012345678901uPjSRBdLJF0DyXNMuWAKDy3VnCTTSrm"
	mailCode     = "oob-code-of-jane"
	totpCode     = "314159"
	pending      = "pending-credential-of-jane"
	// uid-of-jane, demo-test, one hour.
	idToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1aWQtb2YtamFuZSIsImF1ZCI6ImRlbW8tdGVzdCIsImlhdCI6MTAwMCwiZXhwIjo0NjAwfQ.c2lnbmF0dXJl"
)

const everything = `{"localId":"uid-of-jane","email":"` + email + `","idToken":"` + idToken + `","refreshToken":"r","expiresIn":"3600",
	"users":[{"localId":"uid-of-jane","email":"` + email + `","providerUserInfo":[{"providerId":"password"}]}],
	"signIn":{"hashConfig":{"algorithm":"SCRYPT","signerKey":"AAAA"}},"hashConfig":{"algorithm":"SCRYPT","signerKey":"AAAA"},
	"id_token":"` + idToken + `","refresh_token":"r","expires_in":"3600","user_id":"uid-of-jane"}`

type google struct {
	*httptest.Server
	calls atomic.Int64
}

func newGoogle(t *testing.T, handler http.HandlerFunc) *google {
	t.Helper()
	g := &google{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.calls.Add(1)
		handler(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *google) client(t *testing.T, change ...func(*firebase.Options)) *firebase.Client {
	t.Helper()
	options := firebase.Options{ProjectID: "demo-test", APIKey: apiKey, EmulatorHost: g.Listener.Addr().String()}
	for _, f := range change {
		f(&options)
	}
	client, err := firebase.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func refuse(status int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message}})
	}
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

var operations = map[string]func(context.Context, *firebase.Client) error{
	"create_user": func(ctx context.Context, c *firebase.Client) error {
		return c.CreateUser(ctx, firebase.NewUser{UID: "uid-of-jane", Email: email, Password: password})
	},
	"sign_in": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.SignIn(ctx, email, password)
		return err
	},
	"refresh": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.Refresh(ctx, refreshToken)
		return err
	},
	"user": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.User(ctx, "uid-of-jane")
		return err
	},
	"user_by_email": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.UserByEmail(ctx, email)
		return err
	},
	"delete_user": func(ctx context.Context, c *firebase.Client) error { return c.DeleteUser(ctx, "uid-of-jane") },
	"import": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.Import(ctx, []firebase.ImportUser{{UID: "uid-of-jane", Email: email, PasswordHash: bcryptHash}})
		return err
	},
	"set_password": func(ctx context.Context, c *firebase.Client) error {
		return c.SetPassword(ctx, "uid-of-jane", password)
	},
	"set_email": func(ctx context.Context, c *firebase.Client) error { return c.SetEmail(ctx, "uid-of-jane", email) },
	"set_state": func(ctx context.Context, c *firebase.Client) error {
		return c.SetState(ctx, "uid-of-jane", firebase.State{ValidSince: time.Unix(1000, 0)})
	},
	"list": func(ctx context.Context, c *firebase.Client) error {
		_, _, err := c.List(ctx, "")
		return err
	},
	"export": func(ctx context.Context, c *firebase.Client) error {
		_, _, err := c.Export(ctx, "", firebase.MaxList)
		return err
	},
	"hash_config": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.HashConfig(ctx)
		return err
	},
	"batch_delete": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.BatchDelete(ctx, []string{"uid-of-jane"}, false)
		return err
	},
	"set_disabled": func(ctx context.Context, c *firebase.Client) error { return c.SetDisabled(ctx, "uid-of-jane", true) },
	"displace": func(ctx context.Context, c *firebase.Client) error {
		return c.Displace(ctx, "uid-of-jane", "jane.doe@displaced.invalid")
	},
	"sign_in_as": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.SignInAs(ctx, "uid-of-jane", nil)
		return err
	},
	"send_password_reset": func(ctx context.Context, c *firebase.Client) error { return c.SendPasswordReset(ctx, email) },
	"reset_password": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.ResetPassword(ctx, mailCode, password)
		return err
	},
	"send_email_verification": func(ctx context.Context, c *firebase.Client) error { return c.SendEmailVerification(ctx, idToken) },
	"confirm_email": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.ConfirmEmail(ctx, mailCode)
		return err
	},
	"finish_sign_in": func(ctx context.Context, c *firebase.Client) error {
		_, err := c.FinishSignIn(ctx, pending, "factor-1", totpCode)
		return err
	},
}

func everyOperation(t *testing.T, test func(t *testing.T, name string, run func(context.Context, *firebase.Client) error)) {
	t.Helper()
	for name, run := range operations {
		t.Run(name, func(t *testing.T) { test(t, name, run) })
	}
}

// A3, A4, A11.
func TestRefusals(t *testing.T) {
	cases := []struct {
		operation string
		status    int
		message   string
		want      error
	}{
		{"sign_in", 400, "INVALID_LOGIN_CREDENTIALS", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "EMAIL_NOT_FOUND", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "INVALID_PASSWORD", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "INVALID_EMAIL", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "MISSING_EMAIL", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "MISSING_PASSWORD", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "USER_NOT_FOUND", firebase.ErrInvalidCredentials},
		{"sign_in", 400, "USER_DISABLED", firebase.ErrUserDisabled},
		{"sign_in", 400, "BLOCKING_FUNCTION_ERROR_RESPONSE : HTTP Cloud Function returned an error: {...}", firebase.ErrSignInBlocked},
		{"sign_in", 400, "TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled.", firebase.ErrTooManyAttempts},
		{"sign_in", 400, "QUOTA_EXCEEDED : Exceeded quota for verifying passwords.", firebase.ErrQuota},
		{"sign_in", 403, "QUOTA_EXCEEDED", firebase.ErrQuota},
		{"sign_in", 429, "Quota exceeded for quota metric 'Queries'", firebase.ErrQuota},
		{"sign_in", 500, "Internal error encountered.", firebase.ErrUnreachable},
		{"sign_in", 503, "The service is currently unavailable.", firebase.ErrUnreachable},
		{"sign_in", 502, "", firebase.ErrUnreachable},

		{"refresh", 400, "INVALID_REFRESH_TOKEN", firebase.ErrInvalidRefreshToken},
		{"refresh", 400, "MISSING_REFRESH_TOKEN", firebase.ErrInvalidRefreshToken},
		{"refresh", 400, "TOKEN_EXPIRED", firebase.ErrSessionEnded},
		{"refresh", 400, "USER_NOT_FOUND", firebase.ErrInvalidRefreshToken},
		{"refresh", 400, "USER_DISABLED", firebase.ErrUserDisabled},
		{"refresh", 429, "Too many requests", firebase.ErrQuota},

		{"create_user", 400, "EMAIL_EXISTS", firebase.ErrEmailExists},
		{"create_user", 400, "DUPLICATE_LOCAL_ID", firebase.ErrUIDExists},
		{"create_user", 400, "WEAK_PASSWORD : Password should be at least 6 characters", firebase.ErrWeakPassword},
		{"create_user", 400, "PASSWORD_DOES_NOT_MEET_REQUIREMENTS: Missing password requirements: [a digit]", firebase.ErrWeakPassword},
		{"create_user", 400, "INVALID_EMAIL", firebase.ErrInvalidUser},
		{"create_user", 400, "QUOTA_EXCEEDED : Exceeded daily quota for new accounts", firebase.ErrQuota},

		{"user", 400, "USER_NOT_FOUND", firebase.ErrUserNotFound},
		{"delete_user", 400, "USER_NOT_FOUND", firebase.ErrUserNotFound},
		{"delete_user", 429, "", firebase.ErrQuota},

		{"import", 400, "INVALID_PASSWORD_HASH", firebase.ErrInvalidHash},
		{"import", 400, "DUPLICATE_EMAIL : " + email, firebase.ErrEmailExists},
		{"import", 400, "DUPLICATE_LOCAL_ID : uid-of-jane", firebase.ErrUIDExists},
		{"import", 400, "INVALID_PASSWORD_HASH : OpenBSDBCrypt hash error for verification: not a Bcrypt string", firebase.ErrInvalidHash},
		{"import", 400, "INVALID_HASH_ALGORITHM", firebase.ErrInvalidHash},
		{"import", 429, "", firebase.ErrQuota},
		{"import", 400, "SOMETHING_NEW : " + email, firebase.ErrUnknown},
		{"import", 302, "", firebase.ErrUnknown},
		{"export", 400, "RESOURCE_EXHAUSTED", firebase.ErrQuota},
		{"export", 400, "INVALID_PAGE_SELECTION", firebase.ErrUnknown},
		{"batch_delete", 403, "QUOTA_EXCEEDED", firebase.ErrQuota},
		{"batch_delete", 400, "LOCAL_ID_LIST_EXCEEDS_LIMIT", firebase.ErrUnknown},
		{"hash_config", 403, "INSUFFICIENT_PERMISSION", firebase.ErrRefused},
		{"set_password", 400, "USER_NOT_FOUND", firebase.ErrUserNotFound},
		{"set_password", 400, "WEAK_PASSWORD : Password should be at least 6 characters", firebase.ErrWeakPassword},
		{"set_disabled", 400, "USER_NOT_FOUND", firebase.ErrUserNotFound},

		{"send_password_reset", 400, "EMAIL_NOT_FOUND", firebase.ErrUserNotFound},
		{"send_password_reset", 400, "INVALID_EMAIL", firebase.ErrUserNotFound},
		{"send_password_reset", 400, "RESET_PASSWORD_EXCEED_LIMIT", firebase.ErrTooManyAttempts},
		{"send_email_verification", 400, "INVALID_ID_TOKEN", firebase.ErrInvalidIDToken},
		{"send_email_verification", 400, "TOKEN_EXPIRED", firebase.ErrExpiredIDToken},
		{"send_email_verification", 400, "USER_DISABLED", firebase.ErrUserDisabled},
		{"send_email_verification", 400, "TOO_MANY_ATTEMPTS_TRY_LATER", firebase.ErrTooManyAttempts},
		{"reset_password", 400, "INVALID_OOB_CODE", firebase.ErrInvalidCode},
		{"reset_password", 400, "EXPIRED_OOB_CODE", firebase.ErrExpiredCode},
		{"reset_password", 400, "USER_NOT_FOUND", firebase.ErrInvalidCode},
		{"reset_password", 400, "WEAK_PASSWORD", firebase.ErrWeakPassword},
		{"reset_password", 400, "USER_DISABLED", firebase.ErrUserDisabled},
		{"confirm_email", 400, "INVALID_OOB_CODE", firebase.ErrInvalidCode},
		{"confirm_email", 400, "EXPIRED_OOB_CODE", firebase.ErrExpiredCode},
		{"confirm_email", 400, "EMAIL_NOT_FOUND", firebase.ErrInvalidCode},
		{"confirm_email", 400, "EMAIL_EXISTS", firebase.ErrEmailExists},

		{"finish_sign_in", 400, "INVALID_CODE", firebase.ErrInvalidCredentials},
		{"finish_sign_in", 400, "INVALID_PENDING_TOKEN", firebase.ErrInvalidCode},
		{"finish_sign_in", 400, "INVALID_MFA_ENROLLMENT_ID", firebase.ErrInvalidCode},
		{"finish_sign_in", 400, "USER_NOT_FOUND", firebase.ErrInvalidCode},
		{"finish_sign_in", 400, "TOTP_CHALLENGE_TIMEOUT : TOTP challenge timeout, provide first factor again.", firebase.ErrExpiredCode},
		{"finish_sign_in", 400, "TOO_MANY_ATTEMPTS_TRY_LATER", firebase.ErrTooManyAttempts},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.operation, " ", c.status, " ", c.message), func(t *testing.T) {
			client := newGoogle(t, refuse(c.status, c.message)).client(t)
			if err := operations[c.operation](t.Context(), client); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestRefusals_UnknownIsAnOutage(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"SOMETHING_NEW", "OPERATION_NOT_ALLOWED : off", "API key not valid. Please pass a valid API key.", ""} {
		everyOperation(t, func(t *testing.T, _ string, run func(context.Context, *firebase.Client) error) {
			err := run(t.Context(), newGoogle(t, refuse(403, message)).client(t))
			if !errors.Is(err, firebase.ErrRefused) || fault.CodeOf(err) != fault.DependencyUnavailable {
				t.Fatalf("%q gives %v, want ErrRefused", message, err)
			}
			if code, _, _ := strings.Cut(message, " :"); !strings.Contains(code, " ") && !strings.Contains(err.Error(), code) {
				t.Errorf("the operator is not told the code %q: %v", code, err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"30": 30 * time.Second, "": time.Minute, "-1": time.Minute, "soon": time.Minute, "99999999": time.Hour,
	} {
		client := newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", header)
			refuse(429, "RESOURCE_EXHAUSTED")(w, r)
		}).client(t)
		_, err := client.SignIn(t.Context(), email, password)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.RateLimited || f.RetryAfter != want {
			t.Errorf("Retry-After %q gives %v after %v, want %v", header, err, f.RetryAfter, want)
		}
	}
}

// T6, O1.
func TestErrors_HoldNoSecret(t *testing.T) {
	echo := strings.Join(append([]string{"Invalid value: "}, secrets...), " ")
	failures := map[string]http.HandlerFunc{
		"prose":         refuse(400, echo),
		"no colon":      refuse(400, strings.ReplaceAll(echo, ":", "")),
		"a name":        refuse(400, email),
		"code and echo": refuse(400, "NEW_CODE : "+echo),
		"five hundred":  refuse(500, echo),
		"not JSON":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, echo, http.StatusBadRequest) },
		"bad success":   answer(`{"localId":"` + echo),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/?"+apiKey, http.StatusTemporaryRedirect)
		},
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, handler := range failures {
		everyOperation(t, func(t *testing.T, operation string, run func(context.Context, *firebase.Client) error) {
			err := run(t.Context(), newGoogle(t, handler).client(t))
			if err == nil {
				if name == "bad success" && operation != "user" {
					return
				}
				t.Fatalf("%s: no error", name)
			}
			holdsNoSecret(t, err)
		})
	}
}

var secrets = []string{email, password, refreshToken, apiKey, bcryptHash, mailCode, totpCode, pending, idToken}

func holdsNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, leak := range append([]string{"jane.doe", "key="}, secrets...) {
		if strings.Contains(err.Error(), leak) {
			t.Fatalf("the error holds %q: %v", leak, err)
		}
	}
}

// A8.
func TestCreateUser_IsOneRequest(t *testing.T) {
	g := newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/identitytoolkit.googleapis.com/v1/projects/demo-test/accounts" || r.Header.Get("Authorization") != "Bearer owner" {
			t.Errorf("asked %s as %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body["localId"] != "uid-of-jane" || body["displayName"] != "Jane" {
			t.Errorf("sent %v, %v", body, err)
		}
		answer(`{"localId":"uid-of-jane"}`)(w, r)
	})
	err := g.client(t).CreateUser(t.Context(), firebase.NewUser{UID: "uid-of-jane", Email: email, Password: password, DisplayName: "Jane"})
	if err != nil || g.calls.Load() != 1 {
		t.Errorf("%d requests, %v; want one and no error", g.calls.Load(), err)
	}
}

func TestCreateUser_RefusesWhatNobodyCouldCreate(t *testing.T) {
	client := newGoogle(t, answer(`{"localId":"x"}`)).client(t)
	for name, c := range map[string]struct {
		user firebase.NewUser
		want error
	}{
		"no uid":         {firebase.NewUser{Email: email, Password: password}, firebase.ErrInvalidUser},
		"long uid":       {firebase.NewUser{UID: strings.Repeat("u", 129), Email: email, Password: password}, firebase.ErrInvalidUser},
		"no address":     {firebase.NewUser{UID: "u", Password: password}, firebase.ErrInvalidUser},
		"two at signs":   {firebase.NewUser{UID: "u", Email: "a@b@c", Password: password}, firebase.ErrInvalidUser},
		"short password": {firebase.NewUser{UID: "u", Email: email, Password: "12345"}, firebase.ErrWeakPassword},
	} {
		err := client.CreateUser(t.Context(), c.user)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		holdsNoSecret(t, err)
	}
	if err := client.DeleteUser(t.Context(), ""); !errors.Is(err, firebase.ErrInvalidUser) {
		t.Errorf("deleting nobody gives %v", err)
	}
}

// T2.
func TestTenant(t *testing.T) {
	var paths []string
	var mu sync.Mutex
	g := newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		inPath := strings.Contains(r.URL.Path, "/projects/demo-test/tenants/t-1")
		if !inPath && !strings.Contains(r.URL.Path, "securetoken") && !strings.Contains(string(body), `"tenantId":"t-1"`) {
			t.Errorf("%s is outside the tenant: %s", r.URL.Path, body)
		}
		token := jwtOf(`{"sub":"uid-of-jane","aud":"demo-test","iat":1000,"exp":4600,"firebase":{"tenant":"t-1"}}`)
		answer(strings.ReplaceAll(everything, idToken, token))(w, r)
	})
	client := g.client(t, func(o *firebase.Options) { o.Tenant = "t-1" })
	everyOperation(t, func(t *testing.T, _ string, run func(context.Context, *firebase.Client) error) {
		if err := run(t.Context(), client); err != nil {
			t.Error(err)
		}
	})
	if len(paths) < len(operations) {
		t.Errorf("%d requests for %d operations", len(paths), len(operations))
	}
}

func TestSignIn_HalfAnAnswerIsNoSession(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"localId":"u","idToken":"i"}`, `<html>`, ``, `{"localId":"u","idToken":"i","refreshToken":"r","expiresIn":"0"}`,
	} {
		session, err := newGoogle(t, answer(body)).client(t).SignIn(t.Context(), email, password)
		if !errors.Is(err, firebase.ErrUnreachable) || session != (firebase.Session{}) {
			t.Errorf("%q gives %+v, %v", body, session, err)
		}
	}
}

func TestNew_TheEnvironmentDoesNotChooseTheProvider(t *testing.T) {
	stranger := newGoogle(t, answer(`{"users":[{"localId":"stranger","email":"stranger@example.com"}]}`))
	t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", stranger.Listener.Addr().String())
	ours := newGoogle(t, answer(`{"users":[{"localId":"ours","email":"ours@example.com"}]}`))
	user, err := ours.client(t).User(t.Context(), "ours")
	if err != nil || user.Email != "ours@example.com" || stranger.calls.Load() != 0 {
		t.Errorf("got %+v, %v; the stranger was asked %d times", user, err, stranger.calls.Load())
	}
}

// O1: Google's library would print request bodies.
func TestSignIn_IsNotLoggedByTheLibrary(t *testing.T) {
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	printed := captureStderr(t, func() {
		client := newGoogle(t, refuse(503, "Unavailable")).client(t)
		for _, run := range operations {
			_ = run(t.Context(), client)
		}
	})
	if printed != "" {
		t.Errorf("a library printed %q", printed)
	}
}

func captureStderr(t *testing.T, run func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = file
	run()
	os.Stderr = stderr
	_ = file.Close()
	printed, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(printed)
}

func TestLogger_HearsOfARepetition(t *testing.T) {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := newGoogle(t, refuse(503, "Unavailable")).client(t, func(o *firebase.Options) { o.Logger = log })
	_, _ = client.Refresh(t.Context(), refreshToken)
	if !strings.Contains(lines.String(), "repeating a call") || strings.Contains(lines.String(), refreshToken) {
		t.Errorf("logged %q", lines.String())
	}
}

func TestNew_NamesWhatIsMissing(t *testing.T) {
	for _, options := range []firebase.Options{
		{}, {ProjectID: "p"}, {ProjectID: "p", APIKey: "k", CredentialsFile: "/nowhere/key.json"}, {EmulatorHost: "127.0.0.1:1"},
	} {
		if _, err := firebase.New(t.Context(), options); err == nil {
			t.Errorf("%+v is accepted", options)
		}
	}
	if _, err := firebase.New(t.Context(), firebase.Options{ProjectID: "p", EmulatorHost: "127.0.0.1:1"}); err != nil {
		t.Errorf("an emulator needs no more than a project: %v", err)
	}
}

func TestObserve(t *testing.T) {
	var seen []string
	client := newGoogle(t, refuse(400, "INVALID_LOGIN_CREDENTIALS")).client(t, func(o *firebase.Options) {
		o.Observe = func(operation, outcome string, took time.Duration) {
			seen = append(seen, fmt.Sprint(operation, " ", outcome, " ", took > 0))
		}
	})
	_, _ = client.SignIn(t.Context(), email, password)
	if fmt.Sprint(seen) != "[sign_in invalid_credentials true]" {
		t.Errorf("observed %v", seen)
	}
}

func TestObserve_CallerHangsUp(t *testing.T) {
	asked, leave := make(chan struct{}), make(chan struct{})
	defer close(leave)
	g := newGoogle(t, func(http.ResponseWriter, *http.Request) { close(asked); <-leave })
	var outcomes []string
	client := g.client(t, func(o *firebase.Options) {
		o.Observe = func(_, outcome string, _ time.Duration) { outcomes = append(outcomes, outcome) }
	})
	ctx, hangUp := context.WithCancel(t.Context())
	go func() { <-asked; hangUp() }()
	if _, err := client.SignIn(ctx, email, password); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation among the causes", err)
	}
	if strings.Join(outcomes, ",") != "canceled" {
		t.Errorf("observed %v, want canceled", outcomes)
	}
}
