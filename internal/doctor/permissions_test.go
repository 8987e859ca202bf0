package doctor

import "testing"

// Without getHashConfig Google hides hashes, and no user comes back (M7).
func TestJudgePermissions_NamesWhatIsMissing_M7(t *testing.T) {
	t.Parallel()
	granted := []string{
		"firebaseauth.users.create", "firebaseauth.users.createSession", "firebaseauth.users.delete", "firebaseauth.users.get",
		"firebaseauth.users.sendEmail", "firebaseauth.users.update", "firebaseauth.configs.get",
	}
	const hashes = "firebaseauth.configs.getHashConfig"
	if f := judgePermissions("permissions", granted); f.Level != Red || f.Found != "the service account lacks "+hashes || f.Advice == "" {
		t.Errorf("without %s: %s, %q, %q", hashes, f.Level, f.Found, f.Advice)
	}
	if f := judgePermissions("permissions", append(granted, hashes)); f.Level != Green {
		t.Errorf("with all: %s, %q", f.Level, f.Found)
	}
}
