package user

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/batch"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
)

// Limits of shared statements, within a request's time (O3).
const (
	workers  = 2
	maxBatch = 128
	// Inserts have no minRead: they wait for the disk, so fewer are better.
	minRead      = 16
	batchTimeout = time.Second
	// A slower statement gets a second worker beside it. Look-ups and commits take 1 to 2 ms.
	workerPatience = 5 * time.Millisecond
	// sightPatience bounds an insert's wait for locks. Batches wait milliseconds for each other; after more, members run alone.
	sightPatience = 100 * time.Millisecond
)

// Look-ups of known users do not wait for inserts.
type batchers struct {
	findOrCreate *batch.Batcher[token.Claims, sighting] // a lone request also creates the row
	create       *batch.Batcher[identity, sighting]
	find         *batch.Batcher[token.Claims, sighting] // never creates
	rows         *batch.Batcher[uuid.UUID, *User]
	legacyRows   *batch.Batcher[uuid.UUID, *User]
}

// No sight: the member goes on alone.
type sighting struct {
	user  User
	sight Sight
}

func (s *Store) newBatchers() batchers {
	return batchers{
		findOrCreate: batch.New(readOptions(s.findMany, s.findOrCreateOne)),
		create:       batch.New(batchOptions(s.createMany, s.createOne, isolateMembers)),
		find:         batch.New(readOptions(s.findMany, one(s.findMany))),
		rows:         batch.New(readOptions(s.readMany, one(s.readMany))),
		legacyRows:   batch.New(readOptions(s.readLegacyMany, one(s.readLegacyMany))),
	}
}

// For read-only statements.
func readOptions[Q, A any](
	together func(context.Context, []Q) ([]A, error), alone func(context.Context, Q) (A, error),
) batch.Options[Q, A] {
	o := batchOptions(retryLost(together), alone, pg.BadValues)
	o.MinBatch = minRead
	return o
}

func batchOptions[Q, A any](
	together func(context.Context, []Q) ([]A, error), alone func(context.Context, Q) (A, error), apart func(error) bool,
) batch.Options[Q, A] {
	return batch.Options[Q, A]{
		Workers: workers, Patience: workerPatience, MinBatch: maxBatch, MaxBatch: maxBatch, Timeout: batchTimeout,
		Many: together, One: alone, Isolate: apart,
	}
}

// retryLost repeats a read-only batch once after a lost connection.
func retryLost[Q, A any](together func(context.Context, []Q) ([]A, error)) func(context.Context, []Q) ([]A, error) {
	return func(ctx context.Context, questions []Q) ([]A, error) {
		answers, err := together(ctx, questions)
		if pg.Lost(err) {
			answers, err = together(ctx, questions)
		}
		return answers, err
	}
}

func one[Q, A any](together func(context.Context, []Q) ([]A, error)) func(context.Context, Q) (A, error) {
	return func(ctx context.Context, question Q) (answer A, err error) {
		answers, err := together(ctx, []Q{question})
		if err != nil {
			return answer, err
		}
		return answers[0], nil
	}
}

// One member's values or locks failed the whole batch.
func isolateMembers(err error) bool { return pg.BadValues(err) || pg.Blocked(err) }

func (s *Store) findOrCreateOne(ctx context.Context, claims token.Claims) (sighting, error) {
	id, err := identityOf(claims)
	if err != nil {
		u, sight, err := s.knownOr(ctx, claims.Subject, err)
		return sighting{u, sight}, err
	}
	return s.createOne(ctx, id)
}

func (s *Store) createOne(ctx context.Context, id identity) (sighting, error) {
	u, sight, err := s.findOrCreate(ctx, id)
	return sighting{u, sight}, err
}

func (s *Store) findMany(ctx context.Context, all []token.Claims) ([]sighting, error) {
	uids := make([]string, len(all))
	for i, claims := range all {
		uids[i] = claims.Subject
	}
	rows, err := s.queries.UsersByFirebaseUIDs(ctx, s.pool, uids)
	if err != nil {
		return nil, fmt.Errorf("look for %d at once: %w", len(all), err)
	}
	known := make(map[string]User, len(rows))
	for _, row := range rows {
		u := FromRow(row.User())
		known[u.FirebaseUID] = u
	}
	answers := make([]sighting, len(all))
	for i, uid := range uids {
		if u, ok := known[uid]; ok {
			answers[i] = sighting{u, SightKnown}
		}
	}
	return answers, nil
}

// Members with the same uid share one row.
func (s *Store) createMany(ctx context.Context, all []identity) ([]sighting, error) {
	params := s.newRows(all)
	rows, err := s.queries.FirstSights(ctx, s.pool, params)
	if err != nil {
		s.misses.reset() // a known user's locked row may block inserts
		return nil, fmt.Errorf("make %d rows at once: %w", len(all), err)
	}
	made := make(map[string]User, len(rows))
	for _, row := range rows {
		u := FromRow(row.User())
		made[u.FirebaseUID] = u
	}
	answers := make([]sighting, len(all))
	for i, id := range all {
		u, ok := made[id.uid]
		switch {
		case ok && u.ID == params.Ids[i]:
			answers[i] = sighting{u, SightCreated}
		case ok:
			answers[i] = sighting{u, SightKnown}
		}
	}
	return answers, nil
}

// Namesakes get suffixes (F4).
func (s *Store) newRows(all []identity) db.FirstSightsParams {
	n := len(all)
	members := db.FirstSightsParams{
		Patience: milliseconds(s.patience),
		Ids:      make([]uuid.UUID, n), FirebaseUids: make([]string, n), Emails: make([]string, n), Usernames: make([]string, n),
		OtherUsernames: make([]string, n), ProviderData: make([]json.RawMessage, n), AuthTimes: make([]time.Time, n),
		ProvenBy: make([]string, n),
	}
	named := make(map[string]bool, n)
	for i, id := range all {
		row := s.newRow(id, UsernameFrom(id.displayName))
		username, other := or(row.Username, ""), or(row.OtherUsername, "")
		if named[username] {
			username = other
		}
		named[username] = true
		members.Ids[i], members.FirebaseUids[i], members.Emails[i] = row.ID, row.FirebaseUID, row.Email
		members.Usernames[i], members.OtherUsernames[i] = username, other
		members.ProviderData[i], members.AuthTimes[i], members.ProvenBy[i] = row.ProviderData, row.AuthTime, or(row.ProvenBy, "")
	}
	return members
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func (s *Store) readMany(ctx context.Context, ids []uuid.UUID) ([]*User, error) {
	rows, err := s.queries.UsersByIDs(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d rows at once: %w", len(ids), err)
	}
	users := make([]User, len(rows))
	for i, row := range rows {
		users[i] = FromRow(row.User())
	}
	return inOrder(ids, users), nil
}

func (s *Store) readLegacyMany(ctx context.Context, ids []uuid.UUID) ([]*User, error) {
	rows, err := s.queries.UsersByLegacyTokens(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d rows for legacy tokens at once: %w", len(ids), err)
	}
	users := make([]User, len(rows))
	for i, row := range rows {
		users[i] = fromLegacyRow(row)
	}
	return inOrder(ids, users), nil
}

func inOrder(ids []uuid.UUID, users []User) []*User {
	found := make(map[uuid.UUID]*User, len(users))
	for i := range users {
		found[users[i].ID] = &users[i]
	}
	answers := make([]*User, len(ids))
	for i, id := range ids {
		answers[i] = found[id]
	}
	return answers
}
