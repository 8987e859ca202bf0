package user

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

type nobody struct{ t *testing.T }

func (n nobody) User(context.Context, string) (firebase.User, error) {
	n.t.Error("Firebase was asked")
	return firebase.User{}, firebase.ErrUserNotFound
}

func (n nobody) SetEmail(context.Context, string, string) error {
	n.t.Error("Firebase was asked to change an address")
	return firebase.ErrUserNotFound
}

func newStore(t *testing.T) *Store {
	t.Helper()
	pool, err := pg.Open(t.Context(), pg.Options{URL: pgtest.New(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return NewStore(Options{
		Pool: pool, Accounts: nobody{t}, OnChange: func(context.Context, uuid.UUID) {}, OnSight: func(Sight) {},
		EnqueueSync: func(context.Context, pgx.Tx, uuid.UUID) error { return nil },
		Logger:      slog.New(slog.DiscardHandler),
	})
}

// F8
func TestSeen_TheStatementDecides(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	long := time.Now().Add(-time.Hour)
	for value, moves := range map[string]bool{
		"NULL": true, "now() - interval '6 minutes'": true, "now() - interval '4 minutes'": false, "now() + interval '1 day'": false,
	} {
		u := User{ID: uuid.New(), LastLogin: &long}
		var before, after *time.Time
		err := s.pool.QueryRow(t.Context(), "INSERT INTO auth.users (id, email, password_hash, last_login) VALUES ($1, $2, 'x', "+value+
			") RETURNING last_login", u.ID, u.ID.String()+"@example.com").Scan(&before)
		if err != nil {
			t.Fatal(err)
		}
		s.Seen(u)
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if err := s.Run(stopped); err != nil {
			t.Fatal(err)
		}
		if err := s.pool.QueryRow(t.Context(), "SELECT last_login FROM auth.users WHERE id = $1", u.ID).Scan(&after); err != nil {
			t.Fatal(err)
		}
		if moved := before == nil || !after.Equal(*before); moved != moves {
			t.Errorf("F8: last_login %s became %v, expected it to move: %t", value, after, moves)
		}
	}
}

// F8
func TestSeen_NeverWaits(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for range 3 * seenQueue {
		s.Seen(User{ID: uuid.New()})
	}
	if len(s.seen) != seenQueue {
		t.Errorf("F8: %d wait, expected the queue full with %d", len(s.seen), seenQueue)
	}
}

// F8, T4
func TestSeen_WhicheverClockIsAhead_F8(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour} {
		for ago, asks := range map[time.Duration]bool{time.Minute: false, 10 * time.Minute: true} {
			s := newStore(t)
			s.clocks = clock.New(clock.Options{})
			now := time.Now()
			s.clocks.ReadPostgreSQL(now, now, now.Add(ahead))
			at := now.Add(ahead - ago)
			s.Seen(User{ID: uuid.New(), LastLogin: &at})
			if asked := len(s.seen) == 1; asked != asks {
				t.Errorf("F8: PostgreSQL %s ahead, seen %s ago: last_login is to move: %t, expected %t", ahead, ago, asked, asks)
			}
		}
	}
}
