package principal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unique"
	"unsafe"

	"github.com/google/uuid"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Principal is somebody who may act: the token was verified, the row exists, and the row lets the session in. Claims are those
// of the session (subject, kind, times); what a token says of the person is the row's to say.
type Principal struct {
	Claims token.Claims
	User   user.User
}

// Verifier checks a compact token: token.Verifier. With Users it is an interface because what this room must hold (who waits for
// whom, which reading an invalidation overtakes) can be tested only where a test decides when each of them answers.
type Verifier interface {
	Verify(ctx context.Context, compact string) (token.Claims, error)
}

// Users is what this room asks of the rows: user.Store.
type Users interface {
	FirstSight(ctx context.Context, claims token.Claims) (user.User, error)
	ByID(ctx context.Context, id uuid.UUID) (user.User, error)
	ByLegacyID(ctx context.Context, id uuid.UUID) (user.User, error)
	Seen(u user.User)
}

// budget is how long anybody waits for an answer (O3). Less than the 2 s that are promised, so that the answer "503" still
// arrives in time on a machine under load.
const budget = 1500 * time.Millisecond

// errTooSlow is the answer when the budget is used up: an outage, never a bad token.
var errTooSlow = fault.Unavailable("the token could not be checked in time; try again in a moment", nil)

// Options say what a Resolver stands on. Verifier, Users and Cache are required, and Keys where keys are resolved.
type Options struct {
	Verifier    Verifier
	Users       Users
	Cache       *Cache
	Keys        *apikey.Store
	SharedCache *SharedCache // what instances know of each other's readings; nil: nothing
	// Render makes the answer that Recall gives; nil from it: none can be made. May be nil where nobody recalls.
	Render func(ResponseKind, Principal) Response
	// OnVerify hears how each verification by key ended: "ok" or the code of the refusal; for a metric.
	OnVerify func(result string)
	Clock    func() time.Time // how old facts are; nil: time.Now
	// TokenClock is the time that tokens are judged by, and so remembered until their end (T6). Nil: Clock.
	TokenClock func() time.Time
}

// Resolver turns tokens into principals, and keys into whose they are. Safe for concurrent use.
type Resolver struct {
	verifier    Verifier
	users       Users
	cache       *Cache
	keys        *apikey.Store
	sharedCache *SharedCache
	render      func(ResponseKind, Principal) Response
	onVerify    func(result string)
	now         func() time.Time
	tokenNow    func() time.Time
	lookUps     group
}

// NewResolver makes a resolver.
func NewResolver(o Options) *Resolver {
	r := &Resolver{
		verifier: o.Verifier, users: o.Users, cache: o.Cache, keys: o.Keys, sharedCache: o.SharedCache, render: o.Render, onVerify: o.OnVerify,
		now: o.Clock, tokenNow: o.TokenClock,
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.tokenNow == nil {
		r.tokenNow = r.now
	}
	if r.onVerify == nil {
		r.onVerify = func(string) {}
	}
	return r
}

// Resolve says who the bearer of a compact token is. It answers within the budget (O3). Errors are those of token.Verify and
// user.FirstSight, then ErrDeactivated before ErrRevoked of internal/user. No refusal is cached.
func (r *Resolver) Resolve(ctx context.Context, compact string) (Principal, error) {
	key := keyOf(bytesOf(compact))
	remembered, facts := r.remembered(key)
	r.cache.used(remembered, facts)
	if facts != nil {
		return admit(remembered.claims, facts.user)
	}
	p, err := r.lookUps.do(ctx, callKey{key, r.cache.generation()}, func(ctx context.Context) (Principal, error) {
		return r.lookUp(ctx, key, compact)
	})
	return p, slowIsUnavailable(err)
}

// Reread admits a principal once more, by the row as it is now: what a cache or Redis says of a user opens no operator's operation.
// It answers within the budget (O3). Errors are those of Resolve.
func (r *Resolver) Reread(ctx context.Context, p Principal) (Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	read := r.users.ByID
	if p.Claims.OfLegacySession() {
		read = r.users.ByLegacyID
	}
	u, err := read(ctx, p.User.ID)
	if errors.Is(err, user.ErrNotFound) || err == nil && !isRowOf(p.Claims, u) {
		return Principal{}, user.ErrRevoked // the row is gone, or another account's by now
	}
	if err != nil {
		return Principal{}, slowIsUnavailable(err)
	}
	return admit(p.Claims, u)
}

// Claims says what a compact token claims, without a row: for who cannot be given one yet. The budget and the errors of
// token.Verify are those of Resolve.
func (r *Resolver) Claims(ctx context.Context, compact string) (token.Claims, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	claims, err := r.verify(ctx, compact)
	return claims, slowIsUnavailable(err)
}

// remembered is a token and the facts about its user, both of them good at this moment; either is nil where it is missing.
func (r *Resolver) remembered(key tokenKey) (v *verified, facts *known) {
	v = r.cache.token(key, r.tokenNow())
	if v == nil {
		return nil, nil
	}
	facts = r.cache.facts(v.factsKey(), r.now())
	if facts != nil && !v.isOf(facts.user) {
		facts = nil
	}
	return v, facts
}

func (r *Resolver) lookUp(ctx context.Context, key tokenKey, compact string) (Principal, error) {
	remembered, facts := r.remembered(key)
	switch {
	case facts != nil: // a look-up that has just ended has left them
		return admit(remembered.claims, facts.user)
	case remembered != nil:
		// The token is known and only the facts have grown old.
		p, err := r.freshen(ctx, remembered)
		if !errors.Is(err, errStranger) {
			return p, err
		}
	}
	claims, err := r.verify(ctx, compact)
	if err != nil {
		return Principal{}, err
	}
	fill := r.cache.beginFill(r.now())
	u, err := r.loadUser(ctx, claims)
	if err != nil {
		return Principal{}, err
	}
	claims = sessionOf(claims)
	r.cache.keepToken(key, verified{claims: claims, userID: u.ID})
	return r.keep(fill, claims, u)
}

// loadUser finds the row of a verified token: by Firebase's uid, made where there is none, or by the id of a legacy token (F1).
func (r *Resolver) loadUser(ctx context.Context, claims token.Claims) (user.User, error) {
	if claims.Kind == token.KindLegacy {
		return r.users.ByLegacyID(ctx, claims.UserID)
	}
	return r.users.FirstSight(ctx, claims)
}

// errStranger says that the row behind a remembered token is gone or somebody else's by now: the long way decides.
var errStranger = errors.New("the row is no longer this token's")

// freshen learns anew what is true of the user of a remembered token: from what another instance has just read, else from the
// row.
func (r *Resolver) freshen(ctx context.Context, remembered *verified) (Principal, error) {
	fill := r.cache.beginFill(r.now())
	there := r.sharedCache.look(ctx, remembered, fill.readAt)
	if there.ok {
		fill.readAt = there.readAt
		return r.keep(fill, remembered.claims, there.user)
	}
	read := r.users.ByID
	if remembered.claims.OfLegacySession() {
		read = r.users.ByLegacyID
	}
	u, err := read(ctx, remembered.userID)
	if errors.Is(err, user.ErrNotFound) || err == nil && !remembered.isOf(u) {
		return Principal{}, errStranger
	}
	if err != nil {
		return Principal{}, err
	}
	if r.cache.keepFacts(fill, factsKind(remembered.claims), u) {
		r.sharedCache.put(entry{key: remembered.factsKey(), user: u, readAt: fill.readAt, generation: there.generation})
	}
	return r.letIn(remembered.claims, u)
}

func (r *Resolver) keep(fill fill, claims token.Claims, u user.User) (Principal, error) {
	r.cache.keepFacts(fill, factsKind(claims), u)
	return r.letIn(claims, u)
}

func (r *Resolver) letIn(claims token.Claims, u user.User) (Principal, error) {
	p, err := admit(claims, u)
	if err == nil {
		r.users.Seen(u)
	}
	return p, err
}

func (r *Resolver) verify(ctx context.Context, compact string) (token.Claims, error) {
	claims, err := r.verifier.Verify(ctx, compact)
	if err != nil {
		r.onVerify(string(fault.CodeOf(err)))
		return token.Claims{}, fmt.Errorf("verify: %w", err)
	}
	r.onVerify("ok")
	return claims, nil
}

// sessionOf leaves out what only a first sight needs: a token may carry kilobytes of it, and a cache entry must not.
func sessionOf(claims token.Claims) token.Claims {
	return token.Claims{
		Kind: claims.Kind, Subject: strings.Clone(claims.Subject), UserID: claims.UserID, SessionID: claims.SessionID,
		SignInProvider: unique.Make(claims.SignInProvider).Value(), // of few, and shared
		AuthTime:       claims.AuthTime, IssuedAt: claims.IssuedAt, ExpiresAt: claims.ExpiresAt,
	}
}

func admit(claims token.Claims, u user.User) (Principal, error) {
	if err := u.Admit(claims); err != nil {
		return Principal{}, err
	}
	return Principal{Claims: claims, User: u}, nil
}

func slowIsUnavailable(err error) error {
	if err == nil || fault.CodeOf(err) != fault.Internal || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errTooSlow.With(err)
}

// tokenKey is all that is ever kept of a token (T6).
type tokenKey [sha256.Size]byte

func keyOf(compact []byte) tokenKey { return sha256.Sum256(compact) }

// bytesOf is text to read, and not to keep: a copy of a token is a kilobyte.
func bytesOf(text string) []byte {
	return unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // as said
}
