package firebase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

const (
	identityToolkitURL = "https://identitytoolkit.googleapis.com"
	secureTokenURL     = "https://securetoken.googleapis.com/v1/token"

	maxAnswerBytes = 1 << 20
	maxListBytes   = 16 << 20
	retryPause     = 100 * time.Millisecond
)

// site is Google, or a provider with Google's host names as folders.
type site struct {
	emulator string
	apiKey   string
}

func siteOf(o Options) site { return site{emulator: o.EmulatorHost, apiKey: o.APIKey} }

func (s site) locate(u *url.URL) {
	if s.emulator == "" {
		return
	}
	u.Path = "/" + u.Host + u.Path
	u.RawPath = ""
	u.Scheme, u.Host = "http", s.emulator
}

// identify sends the API key in a header, because URLs reach logs. The emulator reads the query only.
func (s site) identify(_ context.Context, req *http.Request) error {
	if s.emulator == "" {
		req.Header.Set("X-Goog-Api-Key", s.apiKey)
		return nil
	}
	query := req.URL.Query()
	query.Set("key", s.apiKey)
	req.URL.RawQuery = query.Encode()
	return nil
}

// wire is the transport of all three libraries. It records results in the call's exchange.
type wire struct {
	base      http.RoundTripper
	site      site
	authorize func(context.Context, *http.Request) error
	log       *slog.Logger
	onAnswer  func(sent, received time.Time, header http.Header)
	clock     func() time.Time
}

// RoundTrip leaves req unchanged, so that no error shows an API key.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	ex := exchangeOf(req.Context())
	if ex.over() {
		closeBody(req)
		return nil, errExchangeOver
	}
	var response *http.Response
	var err error
	for attempt := 1; ; attempt++ {
		response, err = w.attempt(req, attempt)
		if attempt >= ex.attempts || !repeatable(response, err) || sleep.Context(req.Context(), retryPause) != nil {
			break
		}
		w.log.DebugContext(req.Context(), "repeating a call to Firebase",
			telemetry.FieldOperation, ex.operation, telemetry.FieldAttempt, attempt)
	}
	ex.finish(response, err)
	return response, err
}

// attempt reads the whole answer: a cut connection fails the attempt.
func (w *wire) attempt(req *http.Request, attempt int) (*http.Response, error) {
	out := req.Clone(req.Context())
	if attempt > 1 && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	w.site.locate(out.URL)
	out.Host = ""
	if err := w.authorize(req.Context(), out); err != nil {
		closeBody(out)
		return nil, err
	}
	sent := w.clock()
	response, err := w.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	w.onAnswer(sent, w.clock(), response.Header)
	body, err := readAnswer(response.Body, exchangeOf(req.Context()).answerLimit())
	if err != nil {
		return nil, err
	}
	if success(response.StatusCode) && !isObject(body) {
		return nil, errNotUnderstood
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.ContentLength = int64(len(body))
	return response, nil
}

func success(status int) bool { return status >= 200 && status < 300 }

var errNotUnderstood = errors.New("the answer was not understood")

// isObject rejects pages of proxies.
func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && json.Valid(body)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

var errAnswerTooLong = errors.New("the answer is longer than any of this kind")

func readAnswer(body io.ReadCloser, limit int64) ([]byte, error) {
	defer func() { _ = body.Close() }()
	read, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(read)) > limit {
		err = errAnswerTooLong
	}
	return read, err
}

// repeatable excludes time-outs: their time is gone.
func repeatable(response *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errAnswerTooLong)
	}
	return response.StatusCode == http.StatusServiceUnavailable
}

// exchange is one operation. After its first final answer it refuses requests and cancels the context: the Admin SDK would repeat requests
// four times and look a created user up.
type exchange struct {
	operation string
	attempts  int
	stop      context.CancelFunc

	mu       sync.Mutex
	finished bool
	status   int
	answer   []byte
	refused  refusal
	err      error
}

type exchangeKey struct{}

var errExchangeOver = errors.New("this call has had its answer")

func withExchange(ctx context.Context, ex *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, ex)
}

func exchangeOf(ctx context.Context) *exchange {
	if ex, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return ex
	}
	return &exchange{operation: "unnamed", attempts: 1, stop: func() {}}
}

func (ex *exchange) over() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.finished
}

func (ex *exchange) finish(response *http.Response, err error) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.finished = true
	if err != nil {
		ex.err = err
	} else {
		ex.status = response.StatusCode
		if ex.succeeded() {
			ex.answer = readBody(response)
		} else {
			ex.refused = readRefusal(response)
		}
	}
	ex.stop()
}

func (ex *exchange) answerLimit() int64 {
	if ex.operation == opListUsers || ex.operation == opExport {
		return maxListBytes
	}
	return maxAnswerBytes
}

func (ex *exchange) succeeded() bool { return success(ex.status) }

func readBody(response *http.Response) []byte {
	body, _ := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// changed demands that a success names the account.
func (ex *exchange) changed(uid string, err error) error {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.succeeded() {
		return err
	}
	var answer struct {
		LocalID string `json:"localId"`
	}
	if json.Unmarshal(ex.answer, &answer) != nil || answer.LocalID != uid {
		return errNotUnderstood
	}
	return nil
}

// failure never uses err's text, which may hold addresses and URLs.
func (ex *exchange) failure(ctx context.Context, err error) error {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	var ours *fault.Error
	switch {
	case ex.err != nil:
		return ErrUnreachable.With(plain(ex.err))
	case ex.finished && !ex.succeeded():
		return ex.refused.fault(ex.operation)
	case err == nil:
		return nil
	case errors.As(err, &ours):
		return err
	case ex.finished:
		return ErrUnreachable.With(errNotUnderstood)
	case ctx.Err() != nil:
		return ErrUnreachable.With(ctx.Err())
	default:
		return fmt.Errorf("the request was refused before it was sent (%T)", err)
	}
}

// plain removes the URL, which may hold a key.
func plain(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
