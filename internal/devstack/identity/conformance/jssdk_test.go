package conformance

import (
	"embed"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/npm"
)

//go:embed jssdk/package.json jssdk/package-lock.json jssdk/.npmrc jssdk/flow.mjs
var jssdk embed.FS

// jssdk/flow.mjs prints these steps.
const flowAtFirebase = `sign up: ok
sign up again: auth/email-already-in-use
profile: ok
name in the token: J S
verification mail: ok
verification: ok
verified: true
change password: ok
refresh afterwards: ok
change e-mail: auth/operation-not-allowed
change e-mail by mail: ok
reauthenticate: ok
sign out: ok
wrong password: auth/invalid-credential
reset mail: ok
reset: ok
old password: auth/invalid-credential
new password: ok
sign-in mail: ok
sign in by its link: ok
sign in at Google: ok
as the same user: google.com,password
reauthenticate at Google: ok
reauthenticate as another user: auth/user-mismatch
delete: ok
sign in when deleted: auth/invalid-credential
anonymous: ok
link: ok
no longer anonymous: true
`

func TestJavaScriptSDK_LivesWithTheProvider(t *testing.T) {
	files, err := fs.Sub(jssdk, "jssdk")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := npm.Install(t.Context(), "", "firebase-js", files, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "flow.mjs", startOurs(t), projectID)
	node.Dir = folder
	output, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("flow.mjs: %v\n%s", err, output)
	}
	if got := string(output); got != flowAtFirebase {
		t.Errorf("the SDK says\n%s\nexpected\n%s", got, flowAtFirebase)
	}
	t.Logf("%d steps", strings.Count(flowAtFirebase, "\n"))
}
