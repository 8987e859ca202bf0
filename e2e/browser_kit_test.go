package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"auth-v2-service/internal/devstack/browser"
)

// pageLimit is how long anything in a browser may take on a loaded machine.
const pageLimit = 60 * time.Second

// tab is one page in a browser, and what it asked for and complained of.
type tab struct {
	ctx context.Context

	lock       sync.Mutex
	requests   []string
	complaints []string
}

// openBrowser starts a browser with a fresh profile that reaches loopback alone; it ends with the test. Tabs come from its context.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	program, err := browser.Find(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 1600),
		chromedp.WSURLReadTimeout(pageLimit),
	}
	for name, value := range browser.Flags() {
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("the browser ended with: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// openTab opens a page and hears of it from its first request on.
func openTab(t *testing.T, browser context.Context, url string) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	p := &tab{ctx: ctx}
	if err := errors.Join(chromedp.Do(ctx), chromedp.Listen(ctx, p.hear), p.enable()); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.do(t, "open "+url, chromedp.Navigate(url))
	return p
}

func (p *tab) enable() error {
	_, networkErr := chromedp.Call(p.ctx, network.Enable, network.EnableParams{})
	_, logErr := chromedp.Call(p.ctx, log.Enable, cdp.Empty{})
	_, auditsErr := chromedp.Call(p.ctx, audits.Enable, cdp.Empty{})
	return errors.Join(networkErr, logErr, auditsErr)
}

// hear is told of the page's events, one at a time. A complaint is whatever would be red or yellow in a developer's console.
func (p *tab) hear(event any) {
	p.lock.Lock()
	defer p.lock.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *network.EventLoadingFailed:
		p.complain("loading failed: %s %s", e.ErrorText, e.BlockedReason)
	case *runtime.EventExceptionThrown:
		p.complain("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			p.complain("console.%s: %s", e.Type, words(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.complain("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if violation := e.Issue.Details.ContentSecurityPolicyIssueDetails; violation != nil {
			p.complain("content security policy: %+v", *violation)
		}
	}
}

func (p *tab) complain(format string, words ...any) {
	p.complaints = append(p.complaints, fmt.Sprintf(format, words...))
}

func words(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		words = append(words, string(arg.Value)+arg.Description)
	}
	return strings.Join(words, " ")
}

// do runs steps in the page, with a limit that only a failure reaches.
func (p *tab) do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	read(t, p, what, chromedp.Steps(steps...))
}

// read runs one step in the page and gives what it found.
func read[T any](t *testing.T, p *tab, what string, step chromedp.Action[T]) T {
	t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, pageLimit)
	defer stop()
	found, err := chromedp.Run(ctx, step)
	if err != nil {
		t.Fatalf("%s: %v\nthe page complained: %v", what, err, p.heard())
	}
	return found
}

// heard are the complaints so far.
func (p *tab) heard() []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.Clone(p.complaints)
}

// elsewhere are the requests that left the origin; what the page holds in itself (data:, blob:) does not.
func (p *tab) elsewhere(origin string) []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(p.requests), func(url string) bool {
		return strings.HasPrefix(url, origin+"/") || strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "blob:")
	})
}
