package token

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"auth-v2-service/internal/telemetry"
)

const (
	firstRetry = time.Second
	// urgentRetry bounds the backoff without keys, lastRetry with old ones.
	lastRetry    = time.Minute
	urgentRetry  = 5 * time.Second
	storeTimeout = 5 * time.Second
)

// open begins the first fetch and the refresh; nil after Close.
func (k *KeySet) open() *fetchAttempt {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = true
	first := k.begin(0)
	if first != nil {
		k.work.Go(func() { k.refreshForever(first) })
	}
	return first
}

// fetch joins the current attempt or begins one; nil within interval of the last, and while k is not running. The attempt outlives its
// callers.
func (k *KeySet) fetch(interval time.Duration) *fetchAttempt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.begin(interval)
}

// begin needs k.mu held.
func (k *KeySet) begin(interval time.Duration) *fetchAttempt {
	now := k.clock()
	switch {
	case !k.running || k.lifetime.Err() != nil:
		return nil
	case k.inFlight != nil:
		return k.inFlight
	case interval > 0 && now.Sub(k.askedAt) < interval:
		return nil
	}
	attempt := &fetchAttempt{done: make(chan struct{})}
	k.inFlight, k.askedAt = attempt, now
	k.work.Go(func() { k.run(attempt, now) })
	return attempt
}

// run saves the snapshot last: a slow database delays no token.
func (k *KeySet) run(attempt *fetchAttempt, askedAt time.Time) {
	snapshot, err := k.ask(askedAt)
	k.mu.Lock()
	k.inFlight, k.failure = nil, err
	if err == nil {
		k.failures = 0
	} else {
		k.failures++
	}
	k.mu.Unlock()
	close(attempt.done)

	k.report(err)
	if err == nil {
		k.save(snapshot)
	}
}

// ask replaces all keys at once, so withdrawn keys end.
func (k *KeySet) ask(askedAt time.Time) (KeySnapshot, error) {
	document, fresh, err := k.server.fetch(k.lifetime)
	if err != nil {
		return KeySnapshot{}, err
	}
	snapshot := KeySnapshot{URL: k.server.url, Document: document, FetchedAt: askedAt, FreshUntil: askedAt.Add(fresh)}
	return snapshot, k.use(snapshot)
}

func (k *KeySet) use(snapshot KeySnapshot) error {
	keys, err := parseCertificates(snapshot.Document, k.clock(), func(kid string, err error) {
		k.logger.Warn("a listed key is out of the ordinary",
			slog.String(telemetry.FieldKeyID, kid), slog.Any(telemetry.FieldError, err))
	})
	if err != nil {
		return err
	}
	k.current.Store(&keyGeneration{keys: keys, fetchedAt: snapshot.FetchedAt, freshUntil: snapshot.FreshUntil})
	return nil
}

func (k *KeySet) refreshForever(attempt *fetchAttempt) {
	for attempt != nil {
		attempt.wait(k.lifetime)
		timer := time.NewTimer(k.untilNextFetch())
		select {
		case <-timer.C:
			attempt = k.fetch(0)
		case <-k.lifetime.Done():
			timer.Stop()
			return
		}
	}
}

func (k *KeySet) untilNextFetch() time.Duration {
	k.mu.Lock()
	failures := k.failures
	k.mu.Unlock()
	jitter := 0.8 + rand.Float64()/10 //nolint:gosec // spreads load only
	return time.Duration(jitter * float64(k.interval(failures)))
}

func (k *KeySet) interval(failures int) time.Duration {
	generation := k.live()
	if failures == 0 && generation != nil {
		return generation.freshUntil.Sub(generation.fetchedAt)
	}
	bound := lastRetry
	if generation == nil {
		bound = urgentRetry
	}
	return min(firstRetry<<min(max(failures-1, 0), 10), bound)
}

func (k *KeySet) report(err error) {
	if err != nil && k.lifetime.Err() != nil {
		return
	}
	k.onFetch(err)
	if err != nil {
		k.warn(err)
	}
}

func (k *KeySet) warn(err error) {
	attributes := []any{slog.String(telemetry.FieldURL, k.server.url), slog.Any(telemetry.FieldError, err)}
	generation := k.live()
	if generation == nil {
		k.logger.Error("no usable token keys: every token is answered 503", attributes...)
		return
	}
	age := k.clock().Sub(generation.fetchedAt)
	attributes = append(attributes, slog.Float64(telemetry.FieldKeysAge, age.Seconds()),
		slog.Time(telemetry.FieldKeysServeTill, generation.fetchedAt.Add(maxKeyAge)))
	k.logger.Warn("token keys could not be refreshed: the last good ones serve on", attributes...)
}

func (k *KeySet) loadStored(ctx context.Context) {
	if k.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	snapshot, err := k.store.LoadKeys(ctx)
	if err == nil && len(snapshot.Document) > 0 {
		err = k.useStored(snapshot)
	}
	if err != nil {
		k.logger.Warn("stored token keys are not used", slog.Any(telemetry.FieldError, err))
	}
}

func (k *KeySet) useStored(snapshot KeySnapshot) error {
	age := k.clock().Sub(snapshot.FetchedAt)
	switch {
	case snapshot.URL != k.server.url:
		return errors.New("they are another server's")
	case age >= maxKeyAge:
		return errors.New("they are over 24 hours old")
	case age < -clockSkew:
		return errors.New("they come from the future")
	}
	return k.use(snapshot)
}

func (k *KeySet) save(snapshot KeySnapshot) {
	if k.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(k.lifetime, storeTimeout)
	defer cancel()
	if err := k.store.SaveKeys(ctx, snapshot); err != nil && k.lifetime.Err() == nil {
		k.logger.Warn("token keys could not be stored for a restart", slog.Any(telemetry.FieldError, err))
	}
}
