package firebase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	cloudauth "cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"golang.org/x/sync/singleflight"

	"auth-v2-service/internal/fault"
)

var scopes = []string{
	"https://www.googleapis.com/auth/identitytoolkit",
	"https://www.googleapis.com/auth/firebase",
	"https://www.googleapis.com/auth/cloud-platform",
}

// bearer adds the service account's access token. Callers share one fetch, and none waits beyond its own deadline, as Google's lock would
// make it.
type bearer struct {
	source  cloudauth.TokenProvider
	account []byte
	timeout time.Duration
	fetch   singleflight.Group
}

func newBearer(o Options) (*bearer, error) {
	if o.EmulatorHost != "" {
		return &bearer{source: owner{}, timeout: o.Timeout}, nil
	}
	source, err := findCredentials(o)
	if err != nil {
		return nil, fmt.Errorf("firebase: credentials: %w", err)
	}
	return &bearer{source: source, account: source.JSON(), timeout: o.Timeout}, nil
}

type owner struct{}

func (owner) Token(context.Context) (*cloudauth.Token, error) {
	return &cloudauth.Token{Value: "owner"}, nil
}

func (b *bearer) authorize(ctx context.Context, req *http.Request) error {
	fetched := b.fetch.DoChan("token", func() (token any, err error) {
		defer fault.Recover(&err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.timeout)
		defer cancel()
		return b.source.Token(ctx)
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case result := <-fetched:
		if result.Err != nil {
			return errNoAccessToken{result.Err}
		}
		req.Header.Set("Authorization", "Bearer "+result.Val.(*cloudauth.Token).Value)
		return nil
	}
}

// errNoAccessToken hides Google's answer, which may quote the assertion.
type errNoAccessToken struct{ cause error }

func (e errNoAccessToken) Error() string {
	var refused *cloudauth.Error
	if errors.As(e.cause, &refused) && refused.Response != nil {
		return fmt.Sprintf("no access token for the service account: answered %d", refused.Response.StatusCode)
	}
	return "no access token for the service account"
}

func (e errNoAccessToken) Unwrap() error { return e.cause }

func findCredentials(o Options) (*cloudauth.Credentials, error) {
	detect := &credentials.DetectOptions{
		Scopes: scopes,
		Client: &http.Client{Transport: o.Transport, Timeout: o.Timeout},
		Logger: slog.New(slog.DiscardHandler), // it would print tokens at debug level
	}
	if o.CredentialsFile == "" {
		return credentials.DetectDefault(detect)
	}
	content, err := os.ReadFile(o.CredentialsFile)
	if err != nil {
		return nil, err
	}
	var file struct {
		Type credentials.CredType `json:"type"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("%s is not JSON", o.CredentialsFile)
	}
	return credentials.NewCredentialsFromJSON(file.Type, content, detect)
}
