package e2e

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"auth-v2-service/gen/api"
	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

const shown = `[...document.querySelectorAll(".opblock")].map((block) =>
	block.querySelector(".opblock-summary-method").textContent + " " +
	block.querySelector(".opblock-summary-path, .opblock-summary-path__deprecated").dataset.path)`

// The console shows no error and no warning.
func TestDocs_InABrowserWithoutInternet(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	page := openTab(t, openBrowser(t), s.URL+"/docs")
	contract := contractOperations(t)

	page.do(t, "render the operations", chromedp.WaitReady(chromedp.CSSAll(".opblock"), chromedp.AtLeast(len(contract))))
	operations := read(t, page, "read the operations", chromedp.Evaluate[[]string](shown))
	slices.Sort(operations)
	if !slices.Equal(operations, contract) {
		t.Errorf("/docs shows %v, expected the contract's %v", operations, contract)
	}
	screenshot(t, page, "docs.png")

	openAll(t, page, len(contract))
	tryMe(t, page, s.Person(t))
	screenshot(t, page, "docs-tried.png")

	if elsewhere := page.elsewhere(s.URL); len(elsewhere) > 0 {
		t.Errorf("/docs asked elsewhere: %v", elsewhere)
	}
	if complaints := page.heard(); len(complaints) > 0 {
		t.Errorf("the browser complains of /docs:\n%s", strings.Join(complaints, "\n"))
	}
}

func contractOperations(t *testing.T) []string {
	t.Helper()
	spec, err := api.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	var operations []string
	for path, item := range spec.Paths.Map() {
		for method := range maps.Keys(item.Operations()) {
			operations = append(operations, method+" "+path)
		}
	}
	slices.Sort(operations)
	return operations
}

func openAll(t *testing.T, page *tab, count int) {
	t.Helper()
	const folded = `document.querySelector(".opblock-summary-control[aria-expanded=false]")`
	for range count { // the legacy surface's two prefixes open together
		page.do(t, "unfold an operation", chromedp.Evaluate[chromedp.Void](folded+"?.click()"))
	}
	page.do(t, "see every operation unfolded",
		chromedp.WaitReady(chromedp.CSSAll(".opblock .responses-inner"), chromedp.AtLeast(count)))
	const broken = `document.querySelectorAll(".errors-wrapper, .fallback").length`
	if errors := read(t, page, "look for errors", chromedp.Evaluate[int](broken)); errors > 0 {
		t.Errorf("/docs shows %d errors of its own", errors)
	}
}

func tryMe(t *testing.T, page *tab, person client.Session) {
	t.Helper()
	const dialog, getMe = ".auth-btn-wrapper ", "#operations-me-getMe "
	const answer = getMe + ".live-responses-table .response "
	page.do(t, "authorize", chromedp.Click(chromedp.CSS(".auth-wrapper .btn.authorize")),
		chromedp.Focus(chromedp.CSS("#auth-bearer-value")), paste(person.IDToken),
		chromedp.Click(chromedp.CSS(dialog+".btn.authorize")), chromedp.Click(chromedp.CSS(dialog+".btn-done")))
	page.do(t, "try GET /v1/auth/me", chromedp.Click(chromedp.CSS(getMe+".try-out__btn")),
		chromedp.Click(chromedp.CSS(getMe+".execute")))
	status := read(t, page, "read the status", chromedp.Text(chromedp.CSS(answer+".response-col_status")))
	body := read(t, page, "read the body", chromedp.Text(chromedp.CSS(answer+".highlight-code")))
	if !strings.HasPrefix(strings.TrimSpace(status), "200") || !strings.Contains(body, *person.Email) {
		t.Errorf("trying GET /v1/auth/me showed %q %s, expected 200 and %s", status, body, *person.Email)
	}
}

// paste is for tokens of a thousand characters.
func paste(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// screenshot saves a picture to the folder BROWSER_SCREENSHOTS.
func screenshot(t *testing.T, page *tab, name string) {
	t.Helper()
	folder := os.Getenv("BROWSER_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture := read(t, page, "take a picture", chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name), picture, 0o600); err != nil {
		t.Error(err)
	}
}
