package firebase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/api/identitytoolkit/v1"
	mfa "google.golang.org/api/identitytoolkit/v2"
	"google.golang.org/api/option"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
)

// DefaultTimeout bounds a call when Options.Timeout is zero. A caller's own deadline counts too; the nearer one wins.
const DefaultTimeout = 5 * time.Second

// Options say which project is spoken to, and how. They are the only source: what the process's environment says about an
// emulator is not consulted (see newAccounts).
type Options struct {
	// ProjectID is the Firebase project. Required.
	ProjectID string
	// APIKey is the project's web API key, for signing in and refreshing. Required unless EmulatorHost is set.
	APIKey string
	// EmulatorHost ("127.0.0.1:9099") sends everything to a provider that speaks the emulator's URL layout over plain HTTP.
	EmulatorHost string
	// CredentialsFile is a service account's JSON; empty means Google's application default credentials. Unused with an emulator.
	CredentialsFile string
	// Tenant confines every call to one Identity Platform tenant (T2); empty means the project's own users.
	Tenant string
	// Transport carries the requests; nil means a pooled transport of our own.
	Transport http.RoundTripper
	// Timeout bounds each call as a whole, its retry and the fetching of an access token included. Zero means DefaultTimeout.
	// An import has it once more for every hundred accounts.
	Timeout time.Duration
	// Logger hears of retries only. Nil means silence.
	Logger *slog.Logger
	// Observe is told of each call: its name, "ok", "canceled" or the code of its failure, and how long it took. Nil means nobody is.
	Observe func(operation, outcome string, took time.Duration)
	// OnAnswer receives, for each answer, when the request was sent, when the answer came, and its header; its Date is Google's clock.
	// Nil: no call.
	OnAnswer func(sent, received time.Time, header http.Header)
	// Clock dates those. Nil means time.Now.
	Clock func() time.Time
	// Tracing makes a span of each request, repetitions and the fetching of access tokens included. Nil means none.
	Tracing *telemetry.Tracing
}

// Client speaks to one Firebase project. Safe for concurrent use.
type Client struct {
	accounts accounts
	admin    administration
	signer   signer
	toolkit  *identitytoolkit.Service
	factors  *mfa.AccountsService
	public   *http.Client // for Secure Token, which no library of Google's covers
	// authorized is for looking at the project: as the service account.
	authorized      *http.Client
	project, tenant string
	development     bool // the other side is a provider for development
	timeout         time.Duration
	observe         func(operation, outcome string, took time.Duration)
}

// New connects the parts; it asks nothing of Google yet, except that application default credentials may be looked up on the
// machine's metadata server. It fails when a required option or the credentials are missing.
func New(ctx context.Context, o Options) (*Client, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	bearer, err := newBearer(o)
	if err != nil {
		return nil, err
	}
	site := siteOf(o)
	over := func(authorize func(context.Context, *http.Request) error) *http.Client {
		return &http.Client{
			Transport:     &wire{base: o.Transport, site: site, authorize: authorize, log: o.Logger, onAnswer: o.OnAnswer, clock: o.Clock},
			CheckRedirect: noRedirects,
		}
	}
	admin, public := over(bearer.authorize), over(site.identify)

	c := &Client{
		public: public, authorized: admin, project: o.ProjectID, tenant: o.Tenant, development: o.EmulatorHost != "",
		timeout: o.Timeout, observe: o.Observe,
	}
	if c.accounts, err = newAccounts(ctx, o, admin); err != nil {
		return nil, err
	}
	if c.signer, err = newSigner(o, bearer, admin); err != nil {
		return nil, err
	}
	if c.admin, err = newAdministration(ctx, o, admin); err != nil {
		return nil, err
	}
	if c.toolkit, err = identitytoolkit.NewService(ctx, toolkitOptions(public)...); err != nil {
		return nil, fmt.Errorf("firebase: identity toolkit: %w", err)
	}
	factors, err := mfa.NewService(ctx, toolkitOptions(public)...)
	if err != nil {
		return nil, fmt.Errorf("firebase: identity toolkit: %w", err)
	}
	c.factors = factors.Accounts
	return c, nil
}

// toolkitOptions puts one of Google's generated libraries on our wire. The logger is pinned: GOOGLE_SDK_GO_LOGGING_LEVEL=debug
// would otherwise print request bodies, passwords included.
func toolkitOptions(client *http.Client, other ...option.ClientOption) []option.ClientOption {
	return append([]option.ClientOption{
		option.WithHTTPClient(client), option.WithEndpoint(identityToolkitURL + "/"), option.WithLogger(slog.New(slog.DiscardHandler)),
	}, other...)
}

func (o Options) withDefaults() (Options, error) {
	if o.ProjectID == "" {
		return o, errors.New("firebase: a project id is required")
	}
	if o.APIKey == "" {
		if o.EmulatorHost == "" {
			return o, errors.New("firebase: an API key is required")
		}
		o.APIKey = "emulator" // any will do there, but none will not
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Transport == nil {
		o.Transport = pooledTransport()
	}
	o.Transport = o.Tracing.Transport(o.Transport)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnAnswer == nil {
		o.OnAnswer = func(time.Time, time.Time, http.Header) {}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	return o, nil
}

// pooledTransport keeps connections to the one or two hosts of Google's open: every call goes there, and the default of two
// idle connections a host would make most logins of a busy minute pay for a TLS handshake.
func pooledTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 256
	t.MaxIdleConnsPerHost = 128
	t.IdleConnTimeout = 60 * time.Second
	return t
}

// noRedirects: none of these endpoints redirects, and a body with a password must not follow one.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// How often an operation may be sent: twice is for what changes nothing.
const (
	once  = 1
	twice = 2
)

// outcomeCanceled is what Options.Observe hears of a call whose caller hung up: no failure of Google's.
const outcomeCanceled = "canceled"

// call runs one operation: bounded in time, observed, and its failure put into our words. What the libraries return is
// consulted last, because the exchange has seen the answer itself.
func (c *Client) call(ctx context.Context, operation string, attempts int, run func(context.Context) error) error {
	return c.callWithin(ctx, c.timeout, operation, attempts, run)
}

// callWithin is call for what may take another time than the rest.
func (c *Client) callWithin(
	ctx context.Context, limit time.Duration, operation string, attempts int, run func(context.Context) error,
) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(caller, limit)
	defer cancel()
	ex := &exchange{operation: operation, attempts: attempts, stop: cancel}

	start := time.Now()
	err := ex.failure(ctx, run(withExchange(ctx, ex)))
	outcome := "ok"
	if err != nil {
		outcome = string(fault.CodeOf(err))
		if errors.Is(caller.Err(), context.Canceled) {
			outcome = outcomeCanceled
		}
		err = fmt.Errorf("firebase %s: %w", operation, err)
	}
	c.observe(operation, outcome, time.Since(start))
	return err
}
