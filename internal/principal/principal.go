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

// Principal is an admitted caller. Claims describe the session, User the account.
type Principal struct {
	Claims token.Claims
	User   user.User
}

// Verifier is implemented by token.Verifier.
type Verifier interface {
	Verify(ctx context.Context, compact string) (token.Claims, error)
}

// Users is implemented by user.Store.
type Users interface {
	FirstSight(ctx context.Context, claims token.Claims) (user.User, error)
	ByID(ctx context.Context, id uuid.UUID) (user.User, error)
	ByLegacyID(ctx context.Context, id uuid.UUID) (user.User, error)
	Seen(u user.User)
}

// budget is the longest wait (O3). It is below the promised 2 s, so that a 503 arrives in time under load.
const budget = 1500 * time.Millisecond

var errTooSlow = fault.Unavailable("the token could not be checked in time; try again in a moment", nil)

// Options configures a Resolver. Verifier, Users and Cache are required, Keys for ResolveKey.
type Options struct {
	Verifier    Verifier
	Users       Users
	Cache       *Cache
	Keys        *apikey.Store
	SharedCache *SharedCache // may be nil
	// Render makes the answers of CachedResponse, or nil.
	Render func(ResponseKind, Principal) Response
	// OnVerify receives "ok" or the refusal's code.
	OnVerify func(result string)
	Clock    func() time.Time // nil: time.Now
	// TokenClock decides when tokens expire (T6). Nil: Clock.
	TokenClock func() time.Time
}

// Resolver is safe for concurrent use.
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

// NewResolver returns a resolver.
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

// Resolve returns a token's principal within the budget (O3). Errors are those of token.Verify and user.FirstSight, then ErrDeactivated
// before ErrRevoked of internal/user. Refusals are not cached.
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

// Reread admits by the current row: operator operations trust no cache. Budget and errors are those of Resolve.
func (r *Resolver) Reread(ctx context.Context, p Principal) (Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	read := r.users.ByID
	if p.Claims.OfLegacySession() {
		read = r.users.ByLegacyID
	}
	u, err := read(ctx, p.User.ID)
	if errors.Is(err, user.ErrNotFound) || err == nil && !isRowOf(p.Claims, u) {
		return Principal{}, user.ErrRevoked // deleted or relinked
	}
	if err != nil {
		return Principal{}, slowIsUnavailable(err)
	}
	return admit(p.Claims, u)
}

// Claims verifies a token without its row, with Resolve's budget and token.Verify's errors.
func (r *Resolver) Claims(ctx context.Context, compact string) (token.Claims, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	claims, err := r.verify(ctx, compact)
	return claims, slowIsUnavailable(err)
}

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
	case facts != nil:
		return admit(remembered.claims, facts.user)
	case remembered != nil:
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

// loadUser finds a legacy token's row by id (F1).
func (r *Resolver) loadUser(ctx context.Context, claims token.Claims) (user.User, error) {
	switch claims.Kind {
	case token.KindFirebase:
		return r.users.FirstSight(ctx, claims)
	case token.KindLegacy:
		return r.users.ByLegacyID(ctx, claims.UserID)
	}
	return user.User{}, fmt.Errorf("no row belongs to a token of the kind %q", claims.Kind)
}

// errStranger: the row is gone or relinked, so the full look-up decides.
var errStranger = errors.New("the row is no longer this token's")

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

// sessionOf drops what only first sight needs: it may be kilobytes.
func sessionOf(claims token.Claims) token.Claims {
	return token.Claims{
		Kind: claims.Kind, Subject: strings.Clone(claims.Subject), UserID: claims.UserID, SessionID: claims.SessionID,
		SignInProvider: unique.Make(claims.SignInProvider).Value(), // interned
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

// tokenKey is all that is kept of a token (T6).
type tokenKey [sha256.Size]byte

func keyOf(compact []byte) tokenKey { return sha256.Sum256(compact) }

// bytesOf is read-only.
func bytesOf(text string) []byte {
	return unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // read-only
}
