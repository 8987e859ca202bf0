package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/account"
	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/httpapi"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/limit"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/redisreply"
	"auth-v2-service/internal/rollback"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type parts struct {
	handler     http.Handler
	metrics     *telemetry.Metrics
	clocks      *clock.Clocks
	tracing     *telemetry.Tracing // nil: off
	users       *user.Store
	accounts    *account.Service
	mover       *move.Mover
	bulk        *bulk.Service
	jobs        *pgxpool.Pool
	jobMover    *move.Mover   // on jobs
	jobRuns     *bulk.Service // on jobs
	known       *knownAddresses
	legacy      *token.Legacy // nil: off
	announcer   *principal.Announcer
	invalidator *principal.Invalidator
	sync        *fbsync.Service
	listener    *principal.Listener
	sharedCache *principal.SharedCache
	reconciler  *fbsync.Reconciler
	passwords   *password.Hasher
	draining    *atomic.Bool
	closers     []func()
}

// pgx waits up to 15 s for a hanging server.
const closePatience = 2 * time.Second

// close works in reverse order, and reports whether it finished in time.
func (p *parts) close(patience time.Duration) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := len(p.closers) - 1; i >= 0; i-- {
			p.closers[i]()
		}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

func (p *parts) onClose(f func()) { p.closers = append(p.closers, f) }

func newParts(o Options) *parts {
	p := &parts{metrics: telemetry.NewMetrics(), draining: new(atomic.Bool)}
	p.clocks = clock.New(clock.Options{Now: o.Clock, Logger: o.Logger, Observe: p.metrics.ClockRead})
	return p
}

func build(ctx context.Context, c config.Config, o Options) (_ *parts, err error) {
	p := newParts(o)
	defer func() {
		if err != nil {
			p.close(closePatience)
		}
	}()
	if err := p.startTracing(ctx, c, o); err != nil {
		return nil, err
	}
	pool, err := p.openDatabase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	remote, err := p.openRedis(c)
	if err != nil {
		return nil, err
	}
	vendor, err := p.openFirebase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	verifier, keysUsable, err := p.openVerifier(ctx, c, pool, o.Logger)
	if err != nil {
		return nil, err
	}

	outbox, err := p.openSync(ctx, c, pool, vendor, o)
	if err != nil {
		return nil, err
	}
	factsKey, err := sharedKey(ctx, pool, factsKeyName, c.FactsKey)
	if err != nil {
		return nil, err
	}
	limitsKey, err := sharedKey(ctx, pool, limitsKeyName, c.LimitKey)
	if err != nil {
		return nil, err
	}
	cache, err := p.openCache(c, remote, factsKey, o.Logger)
	if err != nil {
		return nil, err
	}
	common := base{pool: pool, vendor: vendor, outbox: outbox, onChange: p.invalidator.Changed}
	intents := p.openUsers(c, o, common)
	p.known = newKnownAddresses(pool, o.Logger)
	limiter, err := limit.New(limit.Options{
		Redis: remote, Known: p.known, Key: limitKey(limitsKey), Off: c.RateLimit == "off", Logger: o.Logger, Observe: p.metrics.RateLimited,
		Patience: o.LimitPatience,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the limits: %w", err)
	}
	sessions := session.New(session.Options{
		Pool: pool, Tokens: p.legacy, Users: p.users, Life: c.LegacyRefreshLife, Most: c.LegacySessionsMax, OnChange: p.invalidator.Changed,
		Clocks: p.clocks,
	})
	p.openMoves(c, o, common, intents)
	p.openJobMoves(c, o, common)
	p.accounts = account.New(account.Options{
		Pool: pool, Identities: vendor, Verifier: verifier, Users: p.users, Sessions: sessions, Attempts: limiter, Mover: p.mover,
		Passwords: p.passwords, Intents: intents, Everybody: !c.LegacyAccepted(), OnChange: p.invalidator.Changed, EnqueueSync: outbox.Enqueue, Logger: o.Logger,
		FailureTime: time.Duration(c.LoginFailureMS) * time.Millisecond, Clocks: p.clocks,
	})
	p.handler, err = httpapi.New(httpapi.Options{
		Accounts: p.accounts,
		Users:    p.users,
		Sessions: sessions,
		Rollout:  rollout.NewStore(pool, c.MovesAllowed()),
		Audit:    audit.NewReader(pool),
		Balances: balance.New(pool, p.invalidator.Changed),
		Outbox:   outbox,
		Runs:     p.bulk,
		Legacy:   httpapi.LegacySurface{Off: !c.LegacyAccepted(), Sunset: c.LegacySunset.Time},
		Resolver: principal.NewResolver(principal.Options{
			Verifier: verifier, Users: p.users, Cache: cache, SharedCache: p.sharedCache, Keys: apikey.NewStore(pool),
			Render: httpapi.NewCachedResponse, OnVerify: p.metrics.TokenVerified, TokenClock: p.clocks.Now,
		}),
		Limiter:        limiter,
		Checks:         p.checks(pool, limiter, keysUsable),
		Schema:         func(ctx context.Context) (schema.Report, error) { return schema.Validate(ctx, pool) },
		Metrics:        p.metrics,
		Tracing:        p.tracing,
		Logger:         o.Logger,
		Version:        o.Version,
		CORSOrigins:    c.CORSOrigins,
		TrustedProxies: c.TrustedProxies,
	})
	return p, err
}

// Tracing closes last and sends the last spans.
func (p *parts) startTracing(ctx context.Context, c config.Config, o Options) (err error) {
	p.tracing, err = telemetry.NewTracing(ctx, telemetry.TracingOptions{
		Endpoint: c.OTLPEndpoint, Sampler: c.TracesSampler, Ratio: c.TracesSamplerArg, Version: o.Version, Logger: o.Logger,
	})
	p.onClose(p.tracing.Close)
	return err
}

func (p *parts) openFirebase(ctx context.Context, c config.Config, o Options) (*firebase.Client, error) {
	vendor, err := firebase.New(ctx, firebase.Options{
		ProjectID: c.FirebaseProjectID, APIKey: c.FirebaseAPIKey, EmulatorHost: c.FirebaseEmulatorHost,
		CredentialsFile: c.GoogleCredentialsFile, Tenant: c.FirebaseTenant, Logger: o.Logger, Observe: p.metrics.FirebaseCall,
		Tracing: p.tracing, OnAnswer: p.clocks.ReadFirebase, Clock: p.clocks.Machine,
	})
	if err != nil {
		return nil, fmt.Errorf("reach Firebase: %w", err)
	}
	return vendor, nil
}

// River listens on one and polls on another. A run's batches take turns on the rest.
const syncConns = 6

// openSync gives River its own direct pool (D6), so that requests never wait for jobs.
func (p *parts) openSync(
	ctx context.Context, c config.Config, pool *pgxpool.Pool, vendor *firebase.Client, o Options,
) (*fbsync.Outbox, error) {
	outbox, err := fbsync.NewOutbox(pool)
	if err != nil {
		return nil, err
	}
	direct, err := pg.Open(ctx, pg.Options{
		URL: c.DatabaseDirectURL, MaxConns: syncConns, LegacyTimezone: c.LegacyTimezone, OnReadOnly: sayReadOnly(o.Logger, "jobs"),
	})
	if err != nil {
		return nil, err
	}
	p.onClose(direct.Close)
	p.metrics.Pool("jobs", direct)
	p.jobs = direct
	p.sync, err = fbsync.New(fbsync.Options{
		Pool: direct, Accounts: vendor, Project: projectOf(c), Intents: intent.NewLog(direct, outbox.EnqueueIntent), Settle: p.settle,
		Runs: runs{p}, OnCount: p.metrics.Owed().Set, Logger: o.Logger, Clocks: p.clocks,
	})
	return outbox, err
}

// base is what users and moves stand on. onChange runs after each commit.
type base struct {
	pool     *pgxpool.Pool
	vendor   *firebase.Client
	outbox   *fbsync.Outbox
	onChange func(ctx context.Context, id uuid.UUID)
}

// openUsers is the same for the server and for commands.
func (p *parts) openUsers(c config.Config, o Options, b base) *intent.Log {
	intents := intent.NewLog(b.pool, b.outbox.EnqueueIntent)
	p.users = user.NewStore(user.Options{
		Pool: b.pool, Accounts: b.vendor, Intents: intents, Link: linkPolicy(c), OnChange: b.onChange, EnqueueSync: b.outbox.Enqueue,
		OnSight: func(s user.Sight) { p.metrics.FirstSight(string(s)) }, Logger: o.Logger, Clocks: p.clocks,
	})
	p.reconciler = fbsync.NewReconciler(fbsync.ReconcilerOptions{
		Pool: b.pool, Accounts: b.vendor, Rows: p.users, Outbox: b.outbox, Project: projectOf(c), OnChange: b.onChange, Logger: o.Logger,
		Clocks: p.clocks,
	})
	return intents
}

// openMoves is the same for the server and for commands.
func (p *parts) openMoves(c config.Config, o Options, b base, intents *intent.Log) {
	p.passwords = password.New(password.Options{Cost: o.PasswordCost, MaxCost: c.BcryptMaxCost, OnWork: p.metrics.PasswordWork})
	p.mover, p.bulk = p.newMoves(c, o, b, intents)
}

// openJobMoves keeps runs from the requests' connections.
func (p *parts) openJobMoves(c config.Config, o Options, b base) {
	b.pool = p.jobs
	p.jobMover, p.jobRuns = p.newMoves(c, o, b, intent.NewLog(p.jobs, b.outbox.EnqueueIntent))
}

func (p *parts) newMoves(c config.Config, o Options, b base, intents *intent.Log) (*move.Mover, *bulk.Service) {
	mover := move.New(move.Options{
		Pool: b.pool, Identities: b.vendor, Policy: movePolicy(c), Passwords: p.passwords, Intents: intents,
		OnChange: b.onChange, OnMove: p.metrics.Moved, Logger: o.Logger, Clocks: p.clocks,
	})
	target := bulk.Target{Project: c.FirebaseProjectID, Tenant: c.FirebaseTenant}
	returner := rollback.New(rollback.Options{
		Pool: b.pool, Accounts: b.vendor, Users: p.users, Project: target.String(), OnChange: b.onChange, Logger: o.Logger, Clocks: p.clocks,
	})
	return mover, bulk.New(bulk.Options{
		Pool: b.pool, Mover: mover, Returner: returner, Canaries: b.vendor, Target: target,
		MovesAllowed: c.MovesAllowed(), LegacyOff: !c.LegacyAccepted(), Enqueue: b.outbox.EnqueueRun, OnUsers: p.metrics.RunUsers, OnState: p.metrics.RunState,
		Logger: o.Logger,
	})
}

func projectOf(c config.Config) fbsync.Project {
	return fbsync.Project{ID: c.FirebaseProjectID, Tenant: c.FirebaseTenant}
}

func (p *parts) openRedis(c config.Config) (*redis.Client, error) {
	options, err := redis.ParseURL(c.RedisURL)
	if err != nil {
		return nil, errors.New("REDIS_URL is not a redis:// URL") // the library's error would show the password
	}
	options.DialTimeout = 500 * time.Millisecond
	options.ReadTimeout = 500 * time.Millisecond
	options.WriteTimeout = 500 * time.Millisecond
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	redisreply.Bound(options)
	client := redis.NewClient(options)
	p.onClose(func() { _ = client.Close() })
	return client, nil
}

func (p *parts) openCache(
	c config.Config, remote *redis.Client, factsKey []byte, log *slog.Logger,
) (cache *principal.Cache, err error) {
	cache = principal.NewCache(principal.CacheOptions{Bytes: uint64(c.CacheMB) << 20, OnUse: p.metrics.CacheRequest})
	p.announcer = principal.NewAnnouncer(remote, log)
	p.invalidator = principal.NewInvalidator(cache, p.announcer)
	p.listener = principal.NewListener(principal.ListenerOptions{
		URL: c.DatabaseDirectURL, Cache: cache, OnChange: p.invalidator.OnNotify, OnState: p.metrics.Listening, Logger: log,
	})
	p.sharedCache, err = principal.NewSharedCache(principal.SharedCacheOptions{
		Redis: remote, Secret: factsKey, Cache: cache, Observe: p.metrics.FactsTier,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the facts in Redis: %w", err)
	}
	return cache, nil
}

func (p *parts) openVerifier(
	ctx context.Context, c config.Config, pool *pgxpool.Pool, log *slog.Logger,
) (*token.Verifier, func() error, error) {
	if err := p.openLegacy(c); err != nil {
		return nil, nil, err
	}
	options := token.VerifierOptions{
		ProjectID: c.FirebaseProjectID, Tenant: c.FirebaseTenant, Legacy: p.legacy, OnFit: tellFit(ctx, pool, log, c),
		OnVerified: p.clocks.TokenSeen, Clock: p.clocks.Now,
	}
	usable := func() error { return nil }
	if c.AllowUnsigned() {
		options.AllowUnsigned = true
		log.WarnContext(ctx, "unsigned tokens are accepted: this is the official emulator's mode, for development only")
	} else {
		source := cmp.Or(c.FirebaseCertsURL, token.GoogleCertificatesURL)
		keys, err := token.NewKeySet(token.KeySetOptions{
			URL: source, AllowInsecureLoopback: c.InDevelopment(), Store: keyStore{pool, source}, Logger: log,
			OnFetch: p.metrics.KeysFetched, OnAnswer: p.keysDate(source, c.InDevelopment()), Clock: p.clocks.Machine,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("set up the token keys: %w", err)
		}
		// Keys refresh until the last request has ended.
		if err := keys.Start(context.WithoutCancel(ctx)); err != nil {
			return nil, nil, fmt.Errorf("load the token keys: %w", err)
		}
		p.onClose(keys.Close)
		p.metrics.KeysAge(func() time.Duration { return ageOf(keys) })
		options.Keys, usable = keys, keys.Usable
	}
	verifier, err := token.NewVerifier(options)
	if err != nil {
		return nil, nil, fmt.Errorf("set up the verifier: %w", err)
	}
	return verifier, usable, nil
}

// Only Google's key server shows Firebase's clock.
func (p *parts) keysDate(source string, development bool) func(sent, received time.Time, header http.Header) {
	if source != token.GoogleCertificatesURL && !development {
		return nil
	}
	return p.clocks.ReadFirebase
}

func (p *parts) openLegacy(c config.Config) (err error) {
	if !c.LegacyAccepted() {
		return nil
	}
	p.legacy, err = token.NewLegacy(token.LegacyOptions{
		AccessSecrets:  rotation(c.JWTAccessSecret, c.JWTAccessSecretPrevious),
		RefreshSecrets: rotation(c.JWTRefreshSecret, c.JWTRefreshSecretPrevious),
		AccessLife:     c.LegacyAccessLife, RefreshLife: c.LegacyRefreshLife, Clock: p.clocks.Now,
	})
	if err != nil {
		return fmt.Errorf("set up the legacy tokens: %w", err)
	}
	return nil
}

func rotation(current, previous string) []string {
	if previous == "" {
		return []string{current}
	}
	return []string{current, previous}
}

// noKeys exceeds any alert's threshold.
const noKeys = 365 * 24 * time.Hour

func ageOf(keys *token.KeySet) time.Duration {
	at, ok := keys.FetchedAt()
	if !ok {
		return noKeys
	}
	return time.Since(at)
}

// checks do not require Redis (O2). Clock differences are compensated, unless this instance's clock is wrong.
func (p *parts) checks(pool *pgxpool.Pool, limiter *limit.Limiter, keysUsable func() error) []httpapi.Check {
	return []httpapi.Check{
		{Name: "serving", Required: true, Probe: func(context.Context) error {
			if p.draining.Load() {
				return errors.New("this instance is stopping")
			}
			return nil
		}},
		{Name: "database", Required: true, Probe: func(ctx context.Context) error { return p.askDatabase(ctx, pool) }},
		{Name: "keys", Required: true, Probe: func(context.Context) error { return keysUsable() }},
		{Name: "machine_clock", Required: true, Probe: func(context.Context) error { return p.clocks.Outvoted() }},
		{Name: "clocks", Probe: func(context.Context) error { return p.clocks.Skew() }},
		{Name: "redis", Probe: keepAnswer(time.Now, func(ctx context.Context) error { return errors.Join(limiter.Probe(ctx), p.sharedCache.Probe(ctx)) })},
	}
}

func limitKey(key []byte) []byte {
	sum := sha256.Sum256(key)
	return sum[:]
}

func movePolicy(c config.Config) move.Policy {
	return move.Policy{Allowed: c.MovesAllowed(), Verified: linkPolicy(c).PlatformVerified}
}

func linkPolicy(c config.Config) user.LinkPolicy {
	column, _ := strings.CutPrefix(c.LegacyEmailVerified, "column:")
	if column == c.LegacyEmailVerified {
		column = ""
	}
	return user.LinkPolicy{
		Providers:        c.LinkProviders,
		PlatformVerified: user.PlatformVerified{Trust: c.LegacyEmailVerified == "trust", Column: column},
	}
}
