package e2e

import (
	"bufio"
	"errors"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// A frontend compiles against the generated types.
func TestFrontend(t *testing.T) {
	t.Parallel()
	folder := compiledScripts(t)
	// Firebase's JavaScript SDK signs up at the provider directly.
	t.Run("FirebaseSDK", func(t *testing.T) {
		t.Parallel()
		runScript(t, filepath.Join(folder, "sdk-flow.mjs"))
	})
	// The plan's script uses axios, like the platform's services.
	t.Run("PlanScript", func(t *testing.T) {
		t.Parallel()
		runScript(t, filepath.Join(folder, "plan-flow.mjs"))
	})
}

func compiledScripts(t *testing.T) string {
	t.Helper()
	installPackages(t, "js")
	packages, err := filepath.Abs(filepath.Join("js", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(packages, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	tsc := exec.CommandContext(t.Context(), "node", filepath.Join(packages, "typescript", "bin", "tsc"), "-p", "js", "--outDir", folder)
	if output, err := tsc.CombinedOutput(); err != nil {
		t.Fatalf("a frontend does not compile against gen/ts: %v\n%s", err, output)
	}
	return folder
}

func runScript(t *testing.T, script string) {
	t.Helper()
	s := servicetest.Start(t)
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: s.HTTP.Transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
	})
	t.Cleanup(front.Close)
	node := exec.CommandContext(t.Context(), "node", script)
	node.Env = append(os.Environ(), "AUTH_URL="+front.URL, "IDENTITY_URL="+s.IdentityURL, "FIREBASE_PROJECT_ID="+servicetest.ProjectID)
	output, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	node.Stderr = node.Stdout
	if err := node.Start(); err != nil {
		t.Fatalf("run Node (20 or later): %v", err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		t.Log(lines.Text())
	}
	if err := errors.Join(lines.Err(), node.Wait()); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, s.Log)
	}
}
