package telemetry

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// durationBuckets adds three to OpenTelemetry's: a cached token takes microseconds.
var durationBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// Metrics is safe for concurrent use. Labels come from small closed sets, never from addresses, users or raw paths. Recording known labels
// allocates nothing.
type Metrics struct {
	registry *prometheus.Registry

	requests      handles[requestLabels, prometheus.Observer]
	active        prometheus.Gauge
	verifications handles[string, prometheus.Counter]
	firstSights   handles[string, prometheus.Counter]
	caches        handles[[2]string, prometheus.Counter]
	tier          handles[[2]string, prometheus.Counter]
	listening     prometheus.Gauge
	firebaseCalls handles[[2]string, prometheus.Observer]
	limited       handles[string, prometheus.Counter]
	keyFetches    handles[string, prometheus.Counter]
	moves         handles[string, prometheus.Counter]
	runUsers      handles[[3]string, prometheus.Counter]
	runStates     handles[[3]string, prometheus.Counter]
	passwordWork  handles[string, prometheus.Counter]
	legacy        handles[[2]string, prometheus.Counter]
	clocks        *prometheus.GaugeVec
	legacyClients atomic.Int32
	legacyNames   sync.Map
}

type requestLabels struct {
	method, route string
	status        int
}

// NewMetrics adds metrics of Go, the process and the build.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	requests := m.histogram("http_server_request_duration_seconds", "Duration of HTTP server requests.",
		"http_request_method", "http_route", "http_response_status_code")
	m.requests.make = func(l requestLabels) prometheus.Observer {
		return requests.WithLabelValues(l.method, l.route, strconv.Itoa(l.status))
	}
	m.active = prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_server_active_requests", Help: "HTTP requests being served now."})
	m.registry.MustRegister(m.active)

	m.verifications.make = m.counter("auth_token_verifications_total", "Tokens checked, by what became of them.", "result")
	m.firstSights.make = m.counter("auth_first_sight_total", "Identities seen for the first time, by what became of them.", "outcome")
	m.limited.make = m.counter("auth_rate_limited_total", "Requests refused by a limit of ours.", "limit")
	m.keyFetches.make = m.counter("auth_key_fetches_total", "Fetches of Firebase's token keys, by how they ended.", "outcome")
	m.moves.make = m.counter("auth_moves_total", "Users moved to Firebase, or not, by what became of it.", "outcome")
	runUsers := m.counters("auth_moves_users_total", "Users that this instance has worked on in runs, by the run's kind, outcome and code.",
		"kind", "outcome", "code")
	m.runUsers.make = func(l [3]string) prometheus.Counter { return runUsers.WithLabelValues(l[0], l[1], l[2]) }
	runStates := m.counters("auth_moves_run_states_total", "Runs that this instance has brought to a state, by kind and reason.", "kind", "state", "reason")
	m.runStates.make = func(l [3]string) prometheus.Counter { return runStates.WithLabelValues(l[0], l[1], l[2]) }
	m.passwordWork.make = m.counter("auth_password_rounds_total",
		"Rounds of bcrypt computed (2^cost a hash), by whether the cost is usual or heavy, and Firebase's scrypt in rounds of equal time.", "lane")
	legacy := m.counters("auth_legacy_requests_total", "Requests of the deprecated surface, by route and client.",
		"http_route", "user_agent_name")
	m.legacy.make = func(l [2]string) prometheus.Counter { return legacy.WithLabelValues(l[0], l[1]) }
	caches := m.counters("auth_cache_requests_total", "Look-ups in a cache.", "cache", "result")
	m.caches.make = func(l [2]string) prometheus.Counter { return caches.WithLabelValues(l[0], l[1]) }
	tier := m.counters("auth_facts_tier_total", "Facts about users looked for and left in Redis, by what became of it.", "operation", "result")
	m.tier.make = func(l [2]string) prometheus.Counter { return tier.WithLabelValues(l[0], l[1]) }
	m.listening = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "auth_changes_listening", Help: "Whether PostgreSQL tells this instance of changes of users: 1 or 0.",
	})
	m.registry.MustRegister(m.listening)
	m.clocks = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "auth_clock_skew_seconds", Help: "How far a clock is ahead of this machine's, by its last readings.",
	}, []string{"clock"})
	m.registry.MustRegister(m.clocks)
	calls := m.histogram("auth_firebase_request_duration_seconds", "Duration of calls to Firebase.", "operation", "outcome")
	m.firebaseCalls.make = func(l [2]string) prometheus.Observer { return calls.WithLabelValues(l[0], l[1]) }
	return m
}

func (m *Metrics) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: durationBuckets}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) counter(name, help, label string) func(string) prometheus.Counter {
	v := m.counters(name, help, label)
	return func(value string) prometheus.Counter { return v.WithLabelValues(value) }
}

// Handler serves METRICS_PORT.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, EnableOpenMetrics: true})
}

// RequestStarted must be followed by RequestEnded.
func (m *Metrics) RequestStarted() { m.active.Inc() }

// RequestEnded takes a route of the contract or [NoRoute].
func (m *Metrics) RequestEnded(method, route string, status int, took time.Duration) {
	m.active.Dec()
	m.requests.get(requestLabels{method: KnownMethod(method), route: route, status: status}).Observe(took.Seconds())
}

// KnownMethod bounds the label: "_OTHER", as in OpenTelemetry.
func KnownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodConnect, http.MethodTrace:
		return method
	}
	return "_OTHER"
}

// TokenVerified counts "ok" or a refusal code.
func (m *Metrics) TokenVerified(result string) { m.verifications.get(result).Inc() }

// FirstSight counts "created", "linked" or a refusal code.
func (m *Metrics) FirstSight(outcome string) { m.firstSights.get(outcome).Inc() }

// Moved counts "moved" or the obstacle.
func (m *Metrics) Moved(outcome string) { m.moves.get(outcome).Inc() }

// RunUsers fits bulk.Options.OnUsers.
func (m *Metrics) RunUsers(kind, outcome, code string, users int) {
	m.runUsers.get([3]string{kind, outcome, code}).Add(float64(users))
}

// RunState fits bulk.Options.OnState.
func (m *Metrics) RunState(kind, state, reason string) {
	m.runStates.get([3]string{kind, state, reason}).Inc()
}

// PasswordWork counts bcrypt rounds: 1,024 for cost 10.
func (m *Metrics) PasswordWork(lane string, rounds int) {
	m.passwordWork.get(lane).Add(float64(rounds))
}

// maxLegacyClients bounds the label; later ones are "other".
const maxLegacyClients = 100

// LegacyRequest counts clients by their User-Agent's first product (RFC 9110 section 10.1.5).
func (m *Metrics) LegacyRequest(route, userAgent string) {
	name, _, _ := strings.Cut(userAgent, "/")
	if name == "" || len(name) > 40 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		name = "other"
	}
	if _, seen := m.legacyNames.Load(name); !seen {
		if m.legacyClients.Add(1) > maxLegacyClients {
			m.legacyClients.Add(-1)
			name = "other"
		}
		m.legacyNames.Store(name, struct{}{})
	}
	m.legacy.get([2]string{route, name}).Inc()
}

// CacheRequest counts "hit" or "miss".
func (m *Metrics) CacheRequest(cache, result string) { m.caches.get([2]string{cache, result}).Inc() }

// FactsTier fits principal.SharedCacheOptions.Observe.
func (m *Metrics) FactsTier(operation, result string) { m.tier.get([2]string{operation, result}).Inc() }

// Listening fits principal.ListenerOptions.OnState.
func (m *Metrics) Listening(listening bool) {
	if listening {
		m.listening.Set(1)
		return
	}
	m.listening.Set(0)
}

// FirebaseCall fits firebase.Options.Observe.
func (m *Metrics) FirebaseCall(operation, outcome string, took time.Duration) {
	m.firebaseCalls.get([2]string{operation, outcome}).Observe(took.Seconds())
}

// ClockRead fits clock.Options.Observe.
func (m *Metrics) ClockRead(clock string, ahead time.Duration) {
	m.clocks.WithLabelValues(clock).Set(ahead.Seconds())
}

// RateLimited fits limit.Options.Observe.
func (m *Metrics) RateLimited(limit string) { m.limited.get(limit).Inc() }

// KeysFetched fits token.KeySetOptions.OnFetch.
func (m *Metrics) KeysFetched(err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	m.keyFetches.get(outcome).Inc()
}

// KeysAge registers the gauge; call it once.
func (m *Metrics) KeysAge(age func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "auth_keys_age_seconds", Help: "Time since Firebase's token keys were last fetched well.",
	}, func() float64 { return age().Seconds() }))
}

// Owed are gauges of pending Firebase changes.
type Owed struct {
	jobs   *prometheus.GaugeVec
	oldest prometheus.Gauge
}

// Owed registers the gauges; call it once.
func (m *Metrics) Owed() Owed {
	o := Owed{
		jobs: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "auth_firebase_owed_jobs", Help: "Users whose state Firebase is to follow, by what becomes of it.",
		}, []string{"state"}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "auth_firebase_owed_oldest_seconds", Help: "Age of the oldest state that Firebase is still to follow.",
		}),
	}
	m.registry.MustRegister(o.jobs, o.oldest)
	return o
}

// Set sets all gauges.
func (o Owed) Set(waiting, dead int64, oldest time.Duration) {
	o.jobs.WithLabelValues("waiting").Set(float64(waiting))
	o.jobs.WithLabelValues("dead").Set(float64(dead))
	o.oldest.Set(oldest.Seconds())
}

// Pool registers a pool's statistics.
func (m *Metrics) Pool(name string, pool *pgxpool.Pool) {
	m.registry.MustRegister(newPoolCollector(name, pool))
}
