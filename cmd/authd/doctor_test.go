package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/doctor"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/redistest"
)

func printed(t *testing.T, run func() error) (string, error) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = write
	said := make(chan string)
	go func() {
		content, _ := io.ReadAll(read)
		said <- string(content)
	}()
	failed := run()
	os.Stdout = stdout
	_ = write.Close()
	return <-said, failed
}

func TestDoctorCommand_ReportsAndExitCodes(t *testing.T) {
	provider, host := platform(t)
	examine := func(c doctorCommand) (string, error) {
		t.Helper()
		t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", host) // internal/firebase removes it
		return printed(t, c.Run)
	}
	said, err := examine(doctorCommand{})
	if codeOf(err) != 0 || !strings.Contains(said, " 0 red, ") || !strings.Contains(said, "green     e-mail enumeration protection: on") {
		t.Errorf("in good order it ended with %d (%v):\n%s", codeOf(err), err, said)
	}
	provider.SetEnumerationProtection(false)
	said, err = examine(doctorCommand{})
	if codeOf(err) != differs || !strings.Contains(said, "red       e-mail enumeration protection: off\n            -> Firebase console") {
		t.Errorf("with something red it ended with %d (%v):\n%s", codeOf(err), err, said)
	}
	said, err = examine(doctorCommand{JSON: true})
	var report doctor.Report
	if unreadable := json.Unmarshal([]byte(said), &report); codeOf(err) != differs || unreadable != nil || report.Count(doctor.Red) != 1 {
		t.Errorf("for programs it ended with %d (%v, %v):\n%s", codeOf(err), err, unreadable, said)
	}
	t.Setenv("JWT_ACCESS_SECRET", "")
	if _, err = examine(doctorCommand{}); codeOf(err) != couldNotSay {
		t.Errorf("without a configuration it ended with %d (%v), expected %d", codeOf(err), err, couldNotSay)
	}
}

// platform sets the environment of a service with a database and a Firebase of its own. host is FIREBASE_AUTH_EMULATOR_HOST.
func platform(t *testing.T) (provider *identity.Provider, host string) {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data"), Fsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: address(t, server), Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	provider, err = identity.New(identity.Options{ProjectID: "demo-doctor", APIKey: "the-key", ScryptMemoryCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	google := httptest.NewServer(provider.Handler())
	t.Cleanup(google.Close)
	for name, value := range map[string]string{
		"AUTH_ENV": "development", "DATABASE_URL": address(t, server), "DATABASE_DIRECT_URL": "", "DATABASE_OWNER_URL": "", "REDIS_URL": redistest.New(t),
		"FIREBASE_PROJECT_ID": "demo-doctor", "FIREBASE_API_KEY": "the-key",
		"FIREBASE_CERTS_URL": google.URL + identity.CertificatePath,
		"JWT_ACCESS_SECRET":  "access-secret-of-a-test-32-bytes!", "JWT_REFRESH_SECRET": "refresh-secret-of-a-test-32-bytes",
	} {
		t.Setenv(name, value)
	}
	return provider, google.Listener.Addr().String()
}

func address(t *testing.T, server *postgres.Server) string {
	t.Helper()
	if err := server.CreateDatabase(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	return server.URL("people")
}
