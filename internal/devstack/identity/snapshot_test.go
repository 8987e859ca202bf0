package identity_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

func TestSnapshot_KeepsTheProject(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	opts := identity.Options{SnapshotPath: path, SnapshotDelay: time.Hour}
	before := serve(t, opts)
	up := before.signUp("jane@example.com")
	before.client("accounts:sendOobCode", object{"requestType": "PASSWORD_RESET", "email": "jane@example.com"}).ok()
	before.SetEnumerationProtection(false)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	after := serve(t, opts)
	verified(t, after, up.text("idToken"))
	after.client("accounts:lookup", object{"idToken": up.text("idToken")}).ok()
	after.refresh(up.text("refreshToken")).ok()
	after.signIn("jane@example.com", "secret-1").ok()
	after.signIn("jane@example.com", "wrong-one").refused("INVALID_PASSWORD")
	mails := after.Mails()
	if len(mails) != 1 || mails[0].Email != "jane@example.com" {
		t.Fatalf("mails are %v", mails)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "mode", info.Mode().Perm(), os.FileMode(0o600))
}

func TestSnapshot_IsWrittenSoonAfterAChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	s := serve(t, identity.Options{SnapshotPath: path, SnapshotDelay: time.Millisecond})
	s.signUp("jane@example.com")
	eventually(t, "the snapshot is there", func() bool { _, err := os.Stat(path); return err == nil })
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.signUp("john@example.com")
	eventually(t, "the snapshot has grown", func() bool {
		now, err := os.ReadFile(path)
		return err == nil && len(now) > len(first)
	})
}

func TestSnapshot_ThatCannotBeUsedIsAnError(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"broken": "{", "other version": `{"version":9,"projectId":"demo-test"}`, "other project": `{"version":1,"projectId":"x"}`,
		"no keys": `{"version":1,"projectId":"demo-test"}`,
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.New(identity.Options{ProjectID: project, SnapshotPath: path}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if kept, err := os.ReadFile(path); err != nil || string(kept) != content {
			t.Errorf("%s: the file was touched", name)
		}
	}
	if _, err := identity.New(identity.Options{}); err == nil {
		t.Error("no project: no error")
	}
}
