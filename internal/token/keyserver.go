package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// GoogleCertificatesURL lists the certificates of Firebase's ID tokens.
const GoogleCertificatesURL = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"

const (
	maxDocumentBytes = 1 << 20
	fetchTimeout     = 5 * time.Second
	// minFreshness and maxFreshness bound max-age; Google's is about six hours.
	minFreshness = time.Minute
	maxFreshness = 6 * time.Hour
)

// keyServer fetches the certificates (T3): https, no redirects, 1 MiB, one deadline.
type keyServer struct {
	url      string
	client   *http.Client
	clock    func() time.Time
	onAnswer func(sent, received time.Time, header http.Header)
}

func newKeyServer(rawURL string, client *http.Client, allowInsecureLoopback bool) (*keyServer, error) {
	if err := checkKeyServerURL(rawURL, allowInsecureLoopback); err != nil {
		return nil, err
	}
	if client == nil {
		client = &http.Client{}
	}
	own := *client // keeps the caller's redirect policy
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &keyServer{url: rawURL, client: &own}, nil
}

// checkKeyServerURL does not quote the URL, which may hold credentials.
func checkKeyServerURL(rawURL string, allowInsecureLoopback bool) error {
	parsed, err := url.Parse(rawURL)
	switch {
	case err != nil || parsed.Hostname() == "" || parsed.Opaque != "" || parsed.Fragment != "":
		return errors.New("token: the certificates' URL is not an absolute URL")
	case parsed.Scheme == "https":
		return nil
	case parsed.Scheme == "http" && allowInsecureLoopback && isLoopback(parsed.Hostname()):
		return nil
	}
	return errors.New("token: the certificates' URL must be https (http on loopback only, in development)")
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (s *keyServer) fetch(ctx context.Context) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("request for keys: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	var sent time.Time
	if s.onAnswer != nil {
		sent = s.clock()
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch keys: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if s.onAnswer != nil {
		s.onAnswer(sent, s.clock(), response.Header)
	}
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("fetch keys: status %d", response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocumentBytes+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read keys: %w", err)
	case len(document) > maxDocumentBytes:
		return nil, 0, errors.New("read keys: more than 1 MiB")
	}
	return document, freshness(response.Header), nil
}

// freshness returns max-age less Age (RFC 9111 section 4.2), within bounds.
func freshness(header http.Header) time.Duration {
	maxAge := time.Duration(0)
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "max-age":
			maxAge = seconds(strings.Trim(value, `"`))
		case "no-store", "no-cache":
			return minFreshness
		}
	}
	return min(max(maxAge-seconds(header.Get("Age")), minFreshness), maxFreshness)
}

func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(min(n, 86_400)) * time.Second
}
