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
	maxAnswer   = 64 << 10 // bytes; real answers are below 1 KiB
)

var (
	errTooLarge  = errors.New("the answer is over 65536 bytes")
	errTransport = errors.New("the connection failed")
)

// verify counts the requests in asked.
func (c *Client) verify(ctx context.Context, token, id string) (user User, asked int, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, asked, err := c.send(ctx, token, id)
	if err != nil {
		return User{}, asked, unavailable(reason(ctx, err), nil)
	}
	defer func() { _ = response.Body.Close() }() // the body is read or unwanted
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

// send retries once after a failed connection: verify-token changes nothing. It never repeats an answered request.
func (c *Client) send(ctx context.Context, token, id string) (response *http.Response, asked int, err error) {
	for {
		request, err := c.newRequest(ctx, token, id)
		if err != nil {
			return nil, asked, err
		}
		asked++
		response, err = c.transport.RoundTrip(request) // an http.Client follows redirects
		if err == nil || asked == maxAttempts || ctx.Err() != nil {
			return response, asked, err
		}
		if c.own != nil {
			c.own.CloseIdleConnections() // as old as the failed one
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

// reason drops errors of net/http that may quote the token (T6).
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
