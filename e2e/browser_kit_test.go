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

const pageLimit = 60 * time.Second

type tab struct {
	ctx context.Context

	lock       sync.Mutex
	requests   []string
	complaints []string
}

// openBrowser starts a browser that reaches loopback alone. Tabs come from its context.
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

// hear records requests and what a console shows as an error or a warning.
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

func (p *tab) do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	read(t, p, what, chromedp.Steps(steps...))
}

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

func (p *tab) heard() []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.Clone(p.complaints)
}

func (p *tab) elsewhere(origin string) []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(p.requests), func(url string) bool {
		return strings.HasPrefix(url, origin+"/") || strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "blob:")
	})
}
