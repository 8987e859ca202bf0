package devstack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnnounce_SaysHowNodeServicesVerify(t *testing.T) {
	t.Parallel()
	env := Env{
		{"AUTH_URL", "http://127.0.0.1:3008"}, {"FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099"}, {"FIREBASE_PROJECT_ID", ProjectID},
	}
	for identity, wanted := range map[string][]string{
		Embedded: {"firebase-admin does not verify these tokens", "clients/express, with AUTH_V2_SERVICE_URL=http://127.0.0.1:3008", "make run IDENTITY=emulator"},
		Emulator: {"FIREBASE_AUTH_EMULATOR_HOST=127.0.0.1:9099 GOOGLE_CLOUD_PROJECT=" + ProjectID},
	} {
		out, err := os.Create(filepath.Join(t.TempDir(), "output"))
		if err != nil {
			t.Fatal(err)
		}
		s := stack{options: Options{Identity: identity, Folder: Folder(t.TempDir()), Out: out}, env: env}
		s.announce()
		said, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range wanted {
			if !strings.Contains(string(said), words) {
				t.Errorf("with the %s provider, %q is not said:\n%s", identity, words, said)
			}
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
}
