package authclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

const (
	maxAttempts = 2
	maxAnswer   = 64 << 10 // bytes; the service's answers have under 1 KiB
)

var (
	errTooLarge  = errors.New("the answer is over 65536 bytes")
	errTransport = errors.New("the connection failed")
)

// verify asks the service whose token this is. asked is how many times it was asked.
func (c *Client) verify(ctx context.Context, token, id string) (user User, asked int, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, asked, err := c.send(ctx, token, id)
	if err != nil {
		return User{}, asked, unavailable(reason(ctx, err), nil)
	}
	defer func() { _ = response.Body.Close() }() // it was read, or nobody wants it
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return User{}, asked, unavailable(reason(ctx, err), nil)
	case len(body) > maxAnswer:
		return User{}, asked, unavailable(errTooLarge, nil)
	}
	user, err = read(response, body)
	return user, asked, err
}

// send asks once, and once more where the connection failed before an answer began: asking changes nothing, and a connection
// that was kept may be one to an instance that is gone. An answer, whatever it says, is not asked for again.
func (c *Client) send(ctx context.Context, token, id string) (response *http.Response, asked int, err error) {
	for {
		request, err := c.newRequest(ctx, token, id)
		if err != nil {
			return nil, asked, err
		}
		asked++
		response, err = c.transport.RoundTrip(request) // no http.Client: it would follow redirects
		if err == nil || asked == maxAttempts || ctx.Err() != nil {
			return response, asked, err
		}
		if c.own != nil {
			c.own.CloseIdleConnections() // what else was kept is as old as the one that failed
		}
	}
}

func (c *Client) newRequest(ctx context.Context, token, id string) (*http.Request, error) {
	body := strings.NewReader(`{"token":"` + token + `"}`) // isToken68: nothing to escape
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "auth-v2-service-authclient")
	request.Header.Set(requestIDHeader, id)
	return request, nil
}

// reason is why there was no answer, for logs. net/http's own errors may quote what the other side sent, and a broken peer may
// send back what it got: of those only the kind is told (T6).
func reason(ctx context.Context, err error) error {
	var (
		network     net.Error
		certificate *tls.CertificateVerificationError
		noTLS       tls.RecordHeaderError
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &noTLS):
		return noTLS
	case errors.As(err, &network):
		return network
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", errTransport, io.ErrUnexpectedEOF)
	}
	return errTransport
}
