package browser_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"auth-v2-service/internal/devstack/browser"
)

func TestFind_BringsNPMsToWhoMayNotInstall(t *testing.T) {
	onlyPrograms(t, "node", "npm", "sh")
	program, err := browser.Find(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(filepath.Base(filepath.Dir(program)), "chromium-") {
		t.Errorf("found %s, expected npm's in the cache folder", program)
	}
	if got := evaluate(t, program, `document.body.innerText + (2 + 3)`); got != "Größe5" {
		t.Errorf("the page says %q", got)
	}
}

// npm finds its settings beside node.
func onlyPrograms(t *testing.T, names ...string) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		call := "#!/bin/sh\nexec '" + path + "' \"$@\"\n"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(call), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder)
	t.Setenv("DEVSTACK_CHROMIUM", "")
}

func evaluate(t *testing.T, program, script string) string {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir())}
	for name, value := range browser.Flags() {
		options = append(options, chromedp.Flag(name, value))
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	defer end()
	page, closePage := chromedp.NewContext(allocator)
	defer closePage()
	if err := chromedp.Do(page, chromedp.Navigate("data:text/html;charset=utf-8,<p>Größe</p>")); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(page, chromedp.Evaluate[string](script))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
