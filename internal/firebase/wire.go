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
	maxListBytes   = 16 << 20 // a thousand accounts
	retryPause     = 100 * time.Millisecond
)

// site is where Google is: itself, or a provider with the emulator's layout, under which Google's host names are folders.
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

// identify names the project by its API key. It goes in a header, for URLs end up in logs and errors; the official emulator
// alone reads it from the query only, and takes any key, so there it is no secret.
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

// wire is the transport under all three libraries. It finds the host, authorizes, bounds the answer's size, repeats what may
// be repeated, and notes in the call's exchange what came back, so that one table of errors serves them all.
type wire struct {
	base      http.RoundTripper
	site      site
	authorize func(context.Context, *http.Request) error
	log       *slog.Logger
	onAnswer  func(sent, received time.Time, header http.Header)
	clock     func() time.Time
}

// RoundTrip implements http.RoundTripper. The caller's request is left as it was, so that an error made of it upstairs
// cannot show an API key.
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

// attempt sends the request once and reads the whole answer, so that a connection cut in its middle counts as a failure of
// this attempt and not as bad JSON upstairs.
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

// isObject reports whether an answer is one JSON object, as each of Google's is. A page of HTML, null or no body at all comes from
// something between us and Google: nothing has been done, whatever the status says.
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

// repeatable: a connection that failed, or a 503. A time-out is not: its time is gone. Nor is an answer that was too long.
func repeatable(response *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errAnswerTooLong)
	}
	return response.StatusCode == http.StatusServiceUnavailable
}

// exchange is one operation on the wire: one request, repeated at most attempts times, and what came of it.
//
// It ends with its first final answer. The Admin SDK would go on: it repeats any request four times over seven seconds, and
// after creating a user it looks that user up. The first could create twice what was created once, and the second costs a
// round trip whose answer nobody needs; so after the end every further request is refused and the context is cancelled,
// which is what the SDK's loop heeds.
type exchange struct {
	operation string
	attempts  int
	stop      context.CancelFunc

	mu       sync.Mutex
	finished bool
	status   int
	answer   []byte // of a success
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
	if ex.operation == opListUsers {
		return maxListBytes
	}
	return maxAnswerBytes
}

func (ex *exchange) succeeded() bool { return success(ex.status) }

// readBody reads a body that is in memory and leaves it to be read again.
func readBody(response *http.Response) []byte {
	body, _ := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// changed judges a change of one account: it is made when the answer is a success that names the account. err is what the library
// returned, and counts only without such an answer.
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

// failure says what became of the operation. ctx is the operation's own; err is what the library returned, and counts only
// where the wire saw nothing amiss: an answer that could not be understood, or no request at all. Its text is never used,
// for the libraries put addresses and URLs there.
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

// plain takes the URL, which may carry a key, out of a network error.
func plain(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
