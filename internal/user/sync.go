package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// SyncOutcome is a sync's result.
type SyncOutcome string

// Results.
const (
	SyncUnchanged SyncOutcome = "unchanged"
	SyncUpdated   SyncOutcome = "updated"
	SyncCreated   SyncOutcome = "created"
	SyncLinked    SyncOutcome = "linked" // F3, F7
	SyncFailed    SyncOutcome = "failed"
	SyncUnderWay  SyncOutcome = "under_way" // a registration; the row is untouched
)

// Failures stay with the row until a sync succeeds.
const (
	FailureEmailHeld        = "email_held"
	FailureEmailUnsupported = "email_unsupported" // F2
	FailureAccountGone      = "account_gone"
)

// Refusals.
var (
	ErrNotAtFirebase = fault.New(fault.UnsupportedIdentity, "this user does not sign in at Firebase")
	ErrNoAccount     = fault.New(fault.NotFound, "there is no such account at Firebase")
	ErrDeleted       = fault.New(fault.NotFound, "this account was deleted here")
	errNoAnswer      = fault.Unavailable("the identity provider cannot be asked at the moment; try again shortly", nil)
)

// Synced is a synced row. Changed lists names without values.
type Synced struct {
	User    User
	Outcome SyncOutcome
	Failure string
	Changed []string
}

// Sync brings a row in step with its account (S1). E-mail, its verification, phone, photo and display name follow Firebase; is_active,
// user_type, balance and username stay. Firebase's disabled only tightens. If Firebase's password is newer, the local hash and older
// sessions end (A7). A missing row is created like a first sight, without last_login.
//
// The row is written only if it has not changed since before the call to Firebase. Changes are audited.
//
// Errors: ErrNoAccount, ErrDeleted (F10), ErrNotAtFirebase, ErrCrowded, those of FirstSight.
func (s *Store) Sync(ctx context.Context, uid, actor string) (Synced, error) {
	return s.SyncBy(ctx, uid, Operator{Actor: actor})
}

// SyncBy is Sync for an operator; errors of operator.Hold come in addition.
func (s *Store) SyncBy(ctx context.Context, uid string, by Operator) (Synced, error) {
	for range conflictRounds {
		synced, err := s.syncOnce(ctx, uid, by)
		switch {
		case err == nil:
			return synced, nil
		case !errors.Is(err, errRaced):
			return Synced{}, fmt.Errorf("bring the row of %s in step: %w", uid, pg.Fault(err))
		}
	}
	return Synced{}, ErrCrowded.With(errRaced)
}

// SyncByID is SyncBy for a row. Errors: ErrNotFound.
func (s *Store) SyncByID(ctx context.Context, id uuid.UUID, by Operator) (Synced, error) {
	u, err := s.ByID(ctx, id)
	switch {
	case err != nil:
		return Synced{}, err
	case u.FirebaseUID == "" || u.AuthProvider == ProviderLocal:
		return Synced{}, ErrNotAtFirebase
	}
	synced, err := s.SyncBy(ctx, u.FirebaseUID, by)
	if errors.Is(err, ErrNoAccount) || errors.Is(err, ErrDeleted) {
		return Synced{}, ErrNotFound.With(err)
	}
	return synced, err
}

// OutOfStep returns the accounts that need Sync, in one statement.
func (s *Store) OutOfStep(ctx context.Context, accounts []firebase.User) ([]firebase.User, error) {
	uids := make([]string, len(accounts))
	for i, account := range accounts {
		uids[i] = account.UID
	}
	rows, err := s.queries.RowsOfAccounts(ctx, s.pool, uids)
	if err != nil {
		return nil, fmt.Errorf("read the rows of %d accounts: %w", len(accounts), pg.Fault(err))
	}
	known := make(map[string]db.RowToSyncRow, len(rows))
	for _, row := range rows {
		known[or(row.FirebaseUID, "")] = db.RowToSyncRow(row)
	}
	var differing []firebase.User
	for _, account := range accounts {
		row, found := known[account.UID]
		if !found || !inStep(row, account) || s.provenSince(row, account) {
			differing = append(differing, account)
		}
	}
	return differing, nil
}

func (s *Store) syncOnce(ctx context.Context, uid string, by Operator) (Synced, error) {
	before, err := s.queries.RowBeforeSync(ctx, s.pool, uid)
	known := !pg.NoRows(err)
	if known && err != nil {
		return Synced{}, err
	}
	account, err := s.accounts.User(ctx, uid)
	switch {
	case errors.Is(err, firebase.ErrUserNotFound) && !known:
		return Synced{}, ErrNoAccount.With(err)
	case errors.Is(err, firebase.ErrUserNotFound):
		return s.follow(ctx, step{uid: uid, version: &before.Version, by: by, gone: true})
	case err != nil:
		return Synced{}, errNoAnswer.With(err)
	case known:
		return s.follow(ctx, step{uid: uid, version: &before.Version, by: by, account: account})
	}
	return s.bringIn(ctx, account, by)
}

func (s *Store) bringIn(ctx context.Context, account firebase.User, by Operator) (Synced, error) {
	id, err := identityOfAccount(account, s.link.Providers, by.Actor)
	if err != nil {
		return Synced{}, err
	}
	if _, err := operator.Hold(ctx, s.pool, by); err != nil { // first sight has its own statements
		return Synced{}, err
	}
	_, sight, err := s.findOrCreate(ctx, id)
	if errors.Is(err, ErrRevoked) {
		return Synced{}, ErrDeleted.With(err)
	}
	if err != nil {
		return Synced{}, err
	}
	synced, err := s.follow(ctx, step{uid: account.UID, by: by, account: account})
	switch {
	case err != nil || synced.Outcome == SyncFailed:
	case sight == SightCreated:
		synced.Outcome = SyncCreated
	case sight == SightLinked || sight == SightRelinked:
		synced.Outcome = SyncLinked
	}
	return synced, err
}

type step struct {
	uid     string
	version *string // nil: a new row
	by      Operator
	account firebase.User
	gone    bool
	held    bool
}

const syncPatience = 2 * time.Second

// The unique index detects a taken e-mail.
func (s *Store) follow(ctx context.Context, st step) (synced Synced, err error) {
	write := func(tx pgx.Tx) error {
		synced, err = s.followIn(ctx, tx, st)
		return err
	}
	err = pg.InTx(ctx, s.pool, write)
	if pg.UniqueViolation(err) != "" {
		st.held = true
		err = pg.InTx(ctx, s.pool, write)
	}
	if err != nil {
		return Synced{}, err
	}
	if len(synced.Changed) > 0 {
		s.onChange(ctx, synced.User.ID)
	}
	return synced, nil
}

// holdToSync locks both rows together, so that two admins do not deadlock.
func (s *Store) holdToSync(ctx context.Context, tx pgx.Tx, st step) error {
	if st.by.Admin == uuid.Nil && st.by.Key == "" {
		return nil
	}
	row, err := s.queries.RowBeforeSync(ctx, tx, st.uid)
	if pg.NoRows(err) {
		return errRaced
	}
	if err != nil {
		return err
	}
	_, err = operator.Hold(ctx, tx, st.by, row.ID)
	return err
}

func (s *Store) followIn(ctx context.Context, tx pgx.Tx, st step) (Synced, error) {
	if err := s.holdToSync(ctx, tx, st); err != nil {
		return Synced{}, err
	}
	row, err := s.queries.RowToSync(ctx, tx, db.RowToSyncParams{FirebaseUID: st.uid, Patience: milliseconds(syncPatience)})
	switch {
	case pg.NoRows(err), err == nil && st.version != nil && row.Version != *st.version:
		return Synced{}, errRaced
	case err != nil:
		return Synced{}, err
	case or(row.AuthProvider, ProviderLocal) == ProviderLocal:
		return Synced{}, ErrNotAtFirebase
	case or(row.FederationStatus, StatusActive) == StatusSyncing:
		u, err := s.queries.UserByID(ctx, tx, row.ID)
		return Synced{User: FromRow(u), Outcome: SyncUnderWay}, err
	}
	next := differences(row, st)
	u, err := s.write(ctx, tx, row, next, st.by.Actor)
	if err != nil {
		return Synced{}, err
	}
	p, ok := s.proofOfAccount(st.account, st.by.Actor)
	if next.failure != "" || !ok || !p.fits(u) || noted(row.Facts) && u.Email == row.Email {
		return next.synced(u), nil
	}
	u, err = s.proveIn(ctx, tx, u, p)
	return next.synced(u), err
}

func (s *Store) provenSince(row db.RowToSyncRow, account firebase.User) bool {
	if or(row.AuthProvider, ProviderLocal) == ProviderLocal || or(row.FederationStatus, StatusActive) == StatusSyncing {
		return false // as in inStep
	}
	p, ok := s.proofOfAccount(account, "")
	return ok && row.EmailProvenAt == nil && canonicalForm(row.Email) == p.email && !noted(row.Facts)
}

// noted: the row knew its address as verified, so only a token proves it.
func noted(data json.RawMessage) bool { return factsOf(data)[factEmailVerified] == true }

func (s *Store) write(ctx context.Context, tx pgx.Tx, row db.RowToSyncRow, next next, actor string) (User, error) {
	if len(next.changed) == 0 {
		found, err := s.queries.FoundInStep(ctx, tx, db.FoundInStepParams{ID: row.ID, InStep: next.failure == ""})
		return FromRow(found.User()), err
	}
	params, err := next.params(row.ID)
	if err != nil {
		return User{}, err
	}
	params.FirebaseLead = s.clocks.FirebaseLead()
	written, err := s.queries.WriteSync(ctx, tx, params)
	if err != nil {
		return User{}, err
	}
	if next.sessionsEnd != nil { // at Firebase too
		if err := s.endLegacySessionsBefore(ctx, tx, row.ID, next.sessionsEnd); err != nil {
			return User{}, err
		}
		if err := s.enqueueSync(ctx, tx, row.ID); err != nil {
			return User{}, err
		}
	}
	details := map[string]any{"changed": next.changed}
	if next.failure != "" {
		details["failure"] = next.failure
	}
	return FromRow(written.User()), audit.Record(ctx, tx, audit.Event{
		Action: "user.synced", Actor: actor, UserID: row.ID, RequestID: telemetry.RequestID(ctx), Details: details,
	})
}
