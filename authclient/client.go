package authclient

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// DefaultTimeout limits one request. The service answers within 2 s.
const DefaultTimeout = 3 * time.Second

const (
	verifyPath     = "v1/auth/verify-token"
	maxConnections = 256
	idleTimeout    = 30 * time.Second // below the service's own
	maxHeaderBytes = 16 << 10
)

// Options configure a [Client].
type Options struct {
	// BaseURL, such as "http://auth:3008", may have a path.
	BaseURL string
	// Timeout limits all tries of a request. Zero means DefaultTimeout.
	Timeout time.Duration
	// Transport defaults to at most 256 connections and no proxy from the environment, because requests carry tokens. Redirects are never
	// followed.
	Transport http.RoundTripper
	// SkipPreflight passes CORS preflights on without a user. Prefer CORS outside of this middleware: then browsers can read refusals.
	SkipPreflight bool
	// OnVerify receives each decision before the handler runs. It must be fast and safe for concurrent use.
	OnVerify func(Result)
}

// Validate reports why [New] panics.
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
		return "", errors.New("authclient: BaseURL is not a URL") // err quotes the URL's password
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return "", errors.New("authclient: BaseURL must be http://HOST or https://HOST")
	case base.User != nil, base.RawQuery != "", base.ForceQuery, base.Fragment != "":
		return "", errors.New("authclient: BaseURL takes no user, query or fragment")
	}
	return base.JoinPath(verifyPath).String(), nil
}

// Client is safe for concurrent use. Keep one: it owns the connections.
type Client struct {
	endpoint      string
	timeout       time.Duration
	transport     http.RoundTripper
	own           *http.Transport
	skipPreflight bool
	onVerify      func(Result)
}

// New panics when [Options.Validate] fails. It sends nothing yet.
func New(o Options) *Client {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	c := &Client{timeout: o.Timeout, transport: o.Transport, skipPreflight: o.SkipPreflight, onVerify: o.OnVerify}
	c.endpoint, _ = o.endpoint()
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.transport == nil {
		c.own = newTransport(c.timeout)
		c.transport = c.own
	}
	return c
}

// newTransport limits dialling to half of the budget, so a retry has time.
func newTransport(timeout time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: timeout / 2}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    timeout / 2,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxConnsPerHost:        maxConnections,
		MaxIdleConns:           maxConnections,
		MaxIdleConnsPerHost:    maxConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}
