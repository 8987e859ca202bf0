package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/servicetest"
)

func tour(t *testing.T, s *servicetest.Service, what string) {
	t.Helper()
	person := s.Person(t)
	bearer := "Bearer " + person.IDToken
	logIn(t, s, *person.Email).expect(t, what+": login", http.StatusOK, "")
	verify(t, s, person.IDToken).expect(t, what+": verify-token", http.StatusOK, "")
	forward(t, s, person.IDToken).expect(t, what+": forward", http.StatusOK, "")
	ask(t, s, http.MethodGet, "/v1/auth/me", "", "Authorization", bearer).expect(t, what+": me", http.StatusOK, "")
	renamed := jsonOf(t, map[string]string{"username": "name of " + person.UID})
	ask(t, s, http.MethodPatch, "/v1/auth/me", renamed, "Authorization", bearer).expect(t, what+": rename", http.StatusOK, "")
	verify(t, s, s.Token(t, identityUser(servicetest.Email()), "google.com")).expect(t, what+": first sight", http.StatusOK, "")
	email := servicetest.Email()
	legacyRow(t, s.Stack, email)
	verify(t, s, mint(t, s.Stack, claims(newUID(), email))).expect(t, what+": link", http.StatusOK, "")
	ask(t, s, http.MethodPost, "/v1/auth/logout", "", "Authorization", bearer).expect(t, what+": logout", http.StatusOK, "")
}

// D2: no request fails, behind PgBouncer or without it.
func TestPooler_ColumnsAddedWhileServing_D6(t *testing.T) {
	t.Parallel()
	for _, pooled := range []bool{true, false} {
		t.Run(fmt.Sprintf("pooled=%t", pooled), func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			if pooled && stack.Pooler == nil {
				stack.Pooled(t, nil)
			}
			s := stack.Start(t)
			const people, tours = 4, 4
			done := make(chan struct{})
			var all sync.WaitGroup
			for range people {
				all.Go(func() {
					for range tours {
						tour(t, s, "while columns are added")
					}
				})
			}
			go func() { all.Wait(); close(done) }()
			added := addColumnsUntil(t, stack, done)
			tour(t, s, "after the last added column")
			if added < 10 {
				t.Errorf("%d columns were added meanwhile, expected enough of them to meet warm statements", added)
			}
			if stack.Pooler != nil {
				t.Logf("%d columns; PgBouncer: %+v", added, stack.Pooler.Traffic(t))
			}
		})
	}
}

// addColumnsUntil adds columns to all tables with a short lock_timeout, as migrations do, and counts them.
func addColumnsUntil(t *testing.T, stack *servicetest.Stack, done <-chan struct{}) (added int) {
	t.Helper()
	rows, err := stack.DB.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'auth'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		t.Fatalf("the tables of auth are %v: %v", tables, err)
	}
	for round := 0; ; round++ {
		for _, table := range tables {
			_, err := stack.DB.Exec(t.Context(), fmt.Sprintf("SET lock_timeout = '300ms'; ALTER TABLE auth.%s ADD COLUMN added%d text DEFAULT 'x'",
				pgx.Identifier{table}.Sanitize(), round))
			if err == nil {
				added++
			}
		}
		select {
		case <-done:
			return added
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// D1: migrations bypass PgBouncer.
func TestPooler_MigratesPastIt_D6(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t).Over(t, pgtest.Empty(t))
	pooler := stack.Pooled(t, pgbouncer.Settings{"default_pool_size": "2"})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s := stack.Start(t, map[string]string{"MIGRATE_ON_START": "on", "SCHEMA_CHECK": "enforce"})
			expectReady(t, s, true, "")
			s.Person(t)
		})
	}
	all.Wait()
	if traffic := pooler.Traffic(t); traffic.Transactions == 0 || traffic.ServerConnections > 2 {
		t.Errorf("PgBouncer counts %+v, expected the instances' statements on two server connections at most", traffic)
	}
}
