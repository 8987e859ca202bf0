package balance_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

type stage struct {
	*balance.Service
	pool *pgxpool.Pool
	lock sync.Mutex
	told map[uuid.UUID]int
}

func newStage(t testing.TB) *stage {
	t.Helper()
	pool, err := pg.Open(t.Context(), pg.Options{URL: pgtest.New(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &stage{pool: pool, told: map[uuid.UUID]int{}}
	s.Service = balance.New(pool, func(_ context.Context, id uuid.UUID) {
		s.lock.Lock()
		defer s.lock.Unlock()
		s.told[id]++
	})
	return s
}

type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func (s *stage) exec(t fatal, sql string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (s *stage) person(t fatal, id uuid.UUID, stands *int64) {
	t.Helper()
	s.exec(t, "INSERT INTO auth.users (id, email, password_hash, token_balance) VALUES ($1, $1::uuid::text || '@example.com', 'x', $2)", id, stands)
}

type model struct {
	id      uuid.UUID
	gone    bool
	balance int64
	made    map[string]madeChange
	applied int
}

type madeChange struct {
	amount  int64
	reason  string
	balance int64
}

func (m *model) expected(c balance.Change) (int64, bool, error) {
	name := c.Caller + " " + c.Key
	was, known := m.made[name]
	after := m.balance + c.Amount
	switch {
	case known && (was.amount != c.Amount || was.reason != c.Reason):
		return 0, false, balance.ErrKeyReused
	case known:
		return was.balance, true, nil
	case m.gone:
		return 0, false, balance.ErrNotFound
	case c.Amount < 0 && after < 0:
		return 0, false, balance.ErrInsufficient
	case after > math.MaxInt32:
		return 0, false, balance.ErrOverflow
	}
	m.balance, m.applied = after, m.applied+1
	m.made[name] = madeChange{c.Amount, c.Reason, after}
	return after, false, nil
}

func (s *stage) check(t fatal, m *model) {
	t.Helper()
	var stands, total int64
	var crooked int
	err := s.pool.QueryRow(context.Background(), `SELECT coalesce((SELECT token_balance FROM auth.users WHERE id = $1), 0), coalesce(sum(amount), 0),
			count(*) FILTER (WHERE balance_after <> running)
		FROM (SELECT amount, balance_after, sum(amount) OVER (ORDER BY id) AS running FROM auth.ledger_entries WHERE user_id = $1) AS entries`, m.id).
		Scan(&stands, &total, &crooked)
	if err != nil {
		t.Fatalf("look at the ledger: %v", err)
	}
	if stands != m.balance || total != m.balance || crooked != 0 {
		t.Errorf("W3: the balance is %d and the entries sum up to %d, %d of them do not add up; expected %d", stands, total, crooked, m.balance)
	}
}

// W1, W2, W3
func TestLedger_AnySequence_W1_W2_W3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	amounts := rapid.OneOf(rapid.Int64Range(-20, 20), rapid.SampledFrom([]int64{math.MaxInt32, -math.MaxInt32, math.MaxInt32 + 1, 1<<53 - 1, -(1<<53 - 1)})).
		Filter(func(n int64) bool { return n != 0 })
	balances := rapid.OneOf(rapid.Int64Range(-20, 40), rapid.SampledFrom([]int64{math.MaxInt32, math.MinInt32, 0}))
	rapid.Check(t, func(t *rapid.T) {
		m := &model{id: uuid.New(), made: map[string]madeChange{}, balance: balances.Draw(t, "at first")}
		s.person(t, m.id, &m.balance)
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				c := balance.Change{
					UserID: m.id, Amount: amounts.Draw(t, "amount"), Reason: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "reason"),
					Caller: rapid.SampledFrom([]string{"key:a", "user:b"}).Draw(t, "caller"), Key: rapid.StringMatching("[a-h]").Draw(t, "key"),
					AsAdmin: rapid.Bool().Draw(t, "as admin"),
				}
				want, replayed, refusal := m.expected(c)
				got, err := s.Change(context.Background(), c)
				if !errors.Is(err, refusal) || err == nil && (int64(got.Balance) != want || got.Replayed != replayed) {
					t.Fatalf("%+v gave %+v, %v; expected %d, replayed %t, %v", c, got, err, want, replayed, refusal)
				}
			},
			"write": func(t *rapid.T) {
				if m.gone {
					t.Skip("the row is gone")
				}
				m.balance = balances.Draw(t, "balance")
				s.exec(t, "UPDATE auth.users SET token_balance = $2 WHERE id = $1", m.id, m.balance)
			},
			"clear": func(t *rapid.T) {
				if m.gone {
					t.Skip("the row is gone")
				}
				m.balance = 0
				s.exec(t, "UPDATE auth.users SET token_balance = NULL WHERE id = $1", m.id)
			},
			"delete or return": func(t *rapid.T) {
				m.balance = 0
				if m.gone {
					s.person(t, m.id, nil)
				} else {
					s.exec(t, "DELETE FROM auth.users WHERE id = $1", m.id)
				}
				m.gone = !m.gone
			},
			"": func(t *rapid.T) { s.check(t, m) },
		})
		if told := s.told[m.id]; told != m.applied {
			t.Errorf("T5: %d changes were told of, expected %d", told, m.applied)
		}
	})
}

// W3
func TestLedger_AnAnnouncementCountsOnce_W3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id, other := uuid.New(), uuid.New()
	s.person(t, id, nil)
	s.person(t, other, nil)
	announce := fmt.Sprintf(`SELECT set_config('auth.ledger_entry', '{"user_id": "%s", "amount": 5, "caller": "key:x", "reason": "r", "idempotency_key": "k"}', true)`, id)
	for _, statements := range [][]string{
		{announce, "UPDATE auth.users SET token_balance = 5", "UPDATE auth.users SET token_balance = 10"},
		{announce, "UPDATE auth.users SET token_balance = 13"},
		{"UPDATE auth.users SET token_balance = 18"},
	} {
		err := pg.InTx(context.Background(), s.pool, func(tx pgx.Tx) error {
			for _, statement := range statements {
				if _, err := tx.Exec(context.Background(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var kinds string
	err := s.pool.QueryRow(t.Context(), `SELECT string_agg(kind || ' ' || amount || CASE user_id WHEN $1 THEN '' ELSE ' other' END, ', ' ORDER BY user_id = $1, id)
		FROM auth.ledger_entries`, id).Scan(&kinds)
	want := "external 5 other, external 5 other, external 3 other, external 5 other, change 5, external 5, external 3, external 5"
	if err != nil || kinds != want {
		t.Errorf("W3: entered are %s (%v), expected %s", kinds, err, want)
	}
}

func TestChange_Refuses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, err := s.Change(t.Context(), balance.Change{UserID: uuid.New(), Caller: "key:x", Reason: "a\x00b"})
	if !errors.Is(err, balance.ErrInvalid) {
		t.Errorf("refused with %v, expected ErrInvalid", err)
	}
}
