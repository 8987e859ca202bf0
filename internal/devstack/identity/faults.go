package identity

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Kinds of faults. Any other upper-case word is a 400 with that message.
const (
	FaultTooManyRequests = "429"
	FaultInternal        = "500"
	FaultUnavailable     = "503"
	FaultCut             = "cut"  // resets the connection
	FaultHang            = "hang" // until the client leaves, the rule is cleared or the provider closes
	FaultDelay           = "delay"
	FaultAnswer          = "answer" // answers Status and Body, like a proxy
	FaultHalf            = "half"   // takes the first half of a batch; After cuts the answer
	FaultWrongHash       = "wrong hash"
	FaultQuotaExceeded   = "QUOTA_EXCEEDED"
	FaultTooManyAttempts = "TOO_MANY_ATTEMPTS_TRY_LATER"
)

// Fault is a rule for paths that contain Match.
type Fault struct {
	// Match is part of a path; empty: all. /dev/ is exempt.
	Match string `json:"match"`
	Kind  string `json:"kind"`
	// Count limits the hits; 0: no limit.
	Count int `json:"count,omitempty"`
	// Probability is the share of hits, 0 < p <= 1; 0: all.
	Probability float64       `json:"probability,omitempty"`
	Delay       time.Duration `json:"-"`
	DelayMS     int64         `json:"delayMs,omitempty"`
	// Status, Body and ContentType are FaultAnswer's; default 200 and text/html.
	Status      int    `json:"status,omitempty"`
	Body        string `json:"body,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	// After runs the operation before the fault.
	After bool `json:"after,omitempty"`
}

var errBadFault = errors.New("identity: a fault needs a Kind, a Probability within 0 and 1, a Status within 200 and 999, and no negative numbers")

func (f Fault) valid() bool {
	known := f.Kind == FaultTooManyRequests || f.Kind == FaultUnavailable || f.Kind == FaultCut || f.Kind == FaultHang ||
		f.Kind == FaultDelay || f.Kind == FaultAnswer || f.Kind == FaultHalf || f.Kind == FaultWrongHash || f.Kind != "" && strings.ToUpper(f.Kind) == f.Kind
	return known && (f.Status == 0 || f.Status >= 200 && f.Status <= 999) && f.Probability >= 0 && f.Probability <= 1 && f.Count >= 0 && f.Delay >= 0 && f.DelayMS >= 0
}

// rule is an active Fault. Closing cleared releases hanging requests.
type rule struct {
	Fault
	hits    int
	cleared chan struct{}
}

type faultTable struct {
	closed <-chan struct{}

	mu    sync.Mutex
	rules []*rule
}

func newFaultTable(closed <-chan struct{}) *faultTable { return &faultTable{closed: closed} }

// AddFaults adds all rules or, when one is invalid, none. The first match applies.
func (p *Provider) AddFaults(faults ...Fault) error {
	for _, f := range faults {
		if !f.valid() {
			return errBadFault
		}
	}
	t := p.faults
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range faults {
		f.Delay = max(f.Delay, time.Duration(f.DelayMS)*time.Millisecond)
		t.rules = append(t.rules, &rule{Fault: f, cleared: make(chan struct{})})
	}
	return nil
}

// ClearFaults removes all rules. Hanging requests get 503.
func (p *Provider) ClearFaults() {
	t := p.faults
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		close(r.cleared)
	}
	t.rules = nil
}

// FaultHits returns the hits of each rule.
func (p *Provider) FaultHits() []int {
	t := p.faults
	t.mu.Lock()
	defer t.mu.Unlock()
	hits := make([]int, 0, len(t.rules))
	for _, r := range t.rules {
		hits = append(hits, r.hits)
	}
	return hits
}

func (t *faultTable) pick(path string) *rule {
	if strings.HasPrefix(path, "/dev/") {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		usedUp := r.Count > 0 && r.hits >= r.Count
		if usedUp || !strings.Contains(path, r.Match) {
			continue
		}
		if r.Probability > 0 && rand.Float64() >= r.Probability {
			continue
		}
		r.hits++
		return r
	}
	return nil
}

func (t *faultTable) apply(w http.ResponseWriter, r *http.Request, next http.Handler) {
	hit := t.pick(r.URL.Path)
	if hit == nil {
		next.ServeHTTP(w, r)
		return
	}
	switch hit.Kind {
	case FaultDelay:
		t.delay(w, r, next, hit)
	case FaultHalf:
		half(w, r, next, hit)
	case FaultWrongHash:
		wrongHashes(w, r, next)
	default:
		if hit.After {
			next.ServeHTTP(discard{header: http.Header{}}, r)
		}
		t.fail(w, r, hit)
	}
}

func (t *faultTable) delay(w http.ResponseWriter, r *http.Request, next http.Handler, hit *rule) {
	if hit.After {
		next = answered(next, r)
	}
	timer := time.NewTimer(hit.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hit.cleared:
	case <-t.closed:
	case <-r.Context().Done():
	}
	next.ServeHTTP(w, r)
}

func answered(next http.Handler, r *http.Request) http.Handler {
	kept := httptest.NewRecorder()
	next.ServeHTTP(kept, r)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), kept.Header())
		w.WriteHeader(kept.Code)
		_, _ = kept.Body.WriteTo(w)
	})
}

func (t *faultTable) fail(w http.ResponseWriter, r *http.Request, hit *rule) {
	switch hit.Kind {
	case FaultTooManyRequests:
		w.Header().Set("Retry-After", "1")
		writeError(w, &apiError{
			code: http.StatusTooManyRequests, status: "RESOURCE_EXHAUSTED", reason: "rateLimitExceeded",
			message: "Quota exceeded for quota metric 'Identity Toolkit requests' of service 'identitytoolkit.googleapis.com'.",
		})
	case FaultInternal:
		writeError(w, errInternal)
	case FaultUnavailable:
		writeError(w, errUnavailable)
	case FaultCut:
		cut(w)
	case FaultHang:
		t.hang(w, r, hit)
	case FaultAnswer:
		hit.answer(w)
	case FaultQuotaExceeded:
		writeError(w, refuse("QUOTA_EXCEEDED : Exceeded quota for verifying passwords."))
	case FaultTooManyAttempts:
		writeError(w, errTooManyAttempts)
	default:
		writeError(w, refuse(hit.Kind))
	}
}

func (f Fault) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", cmp.Or(f.ContentType, "text/html"))
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
	_, _ = io.WriteString(w, f.Body)
}

var errInternal = &apiError{
	code: http.StatusInternalServerError, status: "INTERNAL", reason: "backendError", message: "Internal error encountered.",
}

var errUnavailable = &apiError{
	code: http.StatusServiceUnavailable, status: "UNAVAILABLE", reason: "backendError",
	message: "The service is currently unavailable.",
}

func (t *faultTable) hang(w http.ResponseWriter, r *http.Request, hit *rule) {
	select {
	case <-r.Context().Done():
	case <-hit.cleared:
	case <-t.closed:
	}
	writeError(w, errUnavailable)
}

// cut lets net/http abort where it cannot hijack (HTTP/2, a recorder).
func cut(w http.ResponseWriter) {
	connection, _, err := hijack(w)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

func hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w).Hijack()
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

type faultDemand struct {
	Fault
	Rules []Fault `json:"rules"`
}

type faultReport struct {
	Rules []Fault `json:"rules"`
	Hits  []int   `json:"hits"`
}

func (p *Provider) addFaults(c *call, in *faultDemand) (any, error) {
	rules := in.Rules
	if in.Kind != "" {
		rules = append(rules, in.Fault)
	}
	if len(rules) == 0 {
		return nil, invalidArgument("%v", errBadFault)
	}
	if err := p.AddFaults(rules...); err != nil {
		return nil, invalidArgument("%v", err)
	}
	return p.listFaults(c, nil)
}

func (p *Provider) listFaults(*call, *empty) (any, error) {
	t := p.faults
	t.mu.Lock()
	defer t.mu.Unlock()
	report := faultReport{Rules: []Fault{}, Hits: []int{}}
	for _, r := range t.rules {
		report.Rules = append(report.Rules, r.Fault)
		report.Hits = append(report.Hits, r.hits)
	}
	return report, nil
}

func (p *Provider) clearFaults(*call, *empty) (any, error) {
	p.ClearFaults()
	return empty{}, nil
}
