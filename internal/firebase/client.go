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

// DefaultTimeout replaces a zero Options.Timeout.
const DefaultTimeout = 5 * time.Second

// Options configures a Client.
type Options struct {
	ProjectID string
	// APIKey is the web API key, optional with EmulatorHost.
	APIKey string
	// EmulatorHost ("127.0.0.1:9099") is a provider with the emulator's URL layout.
	EmulatorHost string
	// CredentialsFile defaults to application default credentials.
	CredentialsFile string
	// Tenant confines all calls to one tenant (T2).
	Tenant    string
	Transport http.RoundTripper
	// Timeout bounds a call with retry and token fetch. An import gets it again per hundred accounts.
	Timeout time.Duration
	Logger  *slog.Logger
	// Observe receives each call's name, outcome ("ok", "canceled" or a code) and duration.
	Observe func(operation, outcome string, took time.Duration)
	// OnAnswer receives each answer's times, by Clock, and header.
	OnAnswer func(sent, received time.Time, header http.Header)
	Clock    func() time.Time
	Tracing  *telemetry.Tracing
}

// Client calls one Firebase project. Safe for concurrent use. Every call may return ErrTooManyAttempts, ErrQuota, ErrUnreachable or ErrRefused. After
// ErrUnreachable a change may have happened.
type Client struct {
	accounts        accounts
	admin           administration
	signer          signer
	toolkit         *identitytoolkit.Service
	factors         *mfa.AccountsService
	public          *http.Client // for Secure Token
	authorized      *http.Client
	project, tenant string
	development     bool
	timeout         time.Duration
	observe         func(operation, outcome string, took time.Duration)
}

// New connects a Client. It makes no request to Google, but may ask the metadata server for credentials.
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

// toolkitOptions pins the logger: GOOGLE_SDK_GO_LOGGING_LEVEL=debug would print passwords.
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
		o.APIKey = "emulator"
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

// pooledTransport saves TLS handshakes: the default keeps two idle connections a host.
func pooledTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 256
	t.MaxIdleConnsPerHost = 128
	t.IdleConnTimeout = 60 * time.Second
	return t
}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// twice is for operations that change nothing.
const (
	once  = 1
	twice = 2
)

const outcomeCanceled = "canceled"

func (c *Client) call(ctx context.Context, operation string, attempts int, run func(context.Context) error) error {
	return c.callWithin(ctx, c.timeout, operation, attempts, run)
}

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
