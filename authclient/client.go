package authclient

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// DefaultTimeout is how long a request waits for the auth service in all, a second try included. The service itself answers
// within 2 s.
const DefaultTimeout = 3 * time.Second

const (
	verifyPath     = "v1/auth/verify-token"
	maxConnections = 256              // while the service hangs, requests wait their time out here and not on sockets of their own
	idleTimeout    = 30 * time.Second // well under the service's own, so that it is not the one who hangs up
	maxHeaderBytes = 16 << 10
)

// Options say whom to ask and how. Only BaseURL is required.
type Options struct {
	// BaseURL is where the auth service is, as "http://auth:3008". A path is kept: verify-token is asked below it.
	BaseURL string
	// Timeout is the budget of a request for all that asking takes. Zero means DefaultTimeout.
	Timeout time.Duration
	// Transport sends the requests: for TLS of your own, an egress proxy, or tracing. Nil means one that reuses connections,
	// opens 256 at most and takes no proxy from the environment, for what it carries are tokens. Redirects are never followed.
	Transport http.RoundTripper
	// SkipPreflight lets CORS preflights through to the handler, without a user: OPTIONS with Origin and
	// Access-Control-Request-Method and without Authorization. Set it where the CORS middleware can only stand inside this one.
	// The better order is CORS outside: then browsers may read refusals too, and no preflight comes here. By default OPTIONS is
	// a request like any other.
	SkipPreflight bool
	// OnVerify hears how each request was decided, before the handler runs and on its goroutine: count, log, and be quick. It
	// may be called from many goroutines at once.
	OnVerify func(Result)
}

// Validate says what is wrong with the options. For who reads them from outside and wants an error where New panics.
func (o Options) Validate() error {
	_, err := o.endpoint()
	if err == nil && o.Timeout < 0 {
		err = errors.New("authclient: Timeout is negative")
	}
	return err
}

func (o Options) endpoint() (string, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil:
		return "", errors.New("authclient: BaseURL is not a URL") // err quotes it, and it may hold a password
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return "", errors.New("authclient: BaseURL must be http://HOST or https://HOST")
	case base.User != nil, base.RawQuery != "", base.ForceQuery, base.Fragment != "":
		return "", errors.New("authclient: BaseURL takes no user, query or fragment")
	}
	return base.JoinPath(verifyPath).String(), nil
}

// Client asks the auth service. Safe for concurrent use; make one and keep it, for it keeps the connections.
type Client struct {
	endpoint      string
	timeout       time.Duration
	transport     http.RoundTripper
	own           *http.Transport // transport, where it is ours
	skipPreflight bool
	onVerify      func(Result)
}

// New makes a client. It panics where [Options.Validate] has something to say: a service that starts with nobody to ask would
// only answer 503. It does not ask anything yet, so the auth service may start later.
func New(o Options) *Client {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	c := &Client{timeout: o.Timeout, transport: o.Transport, skipPreflight: o.SkipPreflight, onVerify: o.OnVerify}
	c.endpoint, _ = o.endpoint() // Validate has seen it
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.transport == nil {
		c.own = newTransport(c.timeout)
		c.transport = c.own
	}
	return c
}

// newTransport gives half of the budget to a connection, so that a host that swallows packets leaves time for another try.
func newTransport(timeout time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: timeout / 2}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    timeout / 2,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // answers are small, and a bounded size is meant as it is sent
		MaxConnsPerHost:        maxConnections,
		MaxIdleConns:           maxConnections,
		MaxIdleConnsPerHost:    maxConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}
