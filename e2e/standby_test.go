package e2e

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/servicetest"
)

// factsAge is T5's 10 s, plus transport.
const factsAge = 11 * time.Second

// T5: an instance on a standby answers 503, trusts no row of it and shares none through Redis. It recovers with a writable server.
func TestStandby_AnInstanceLeavesADemotedServer_O2(t *testing.T) {
	t.Parallel()
	for _, pooled := range []bool{false, true} {
		t.Run(fmt.Sprintf("pooled=%t", pooled), func(t *testing.T) {
			t.Parallel()
			servers := newCluster(t)
			shared := servicetest.NewStack(t)
			before := servers.on(t, servers.first, shared)
			if pooled {
				before.Pooled(t, pgbouncer.Settings{"server_lifetime": "3600"})
			}
			here := before.Start(t)
			person, gone, local := here.Person(t), here.Person(t), servicetest.Email()
			legacyRow(t, before, local)
			fresh := mint(t, before, claims(person.UID, *person.Email))
			settle(t, here, person.IDToken, gone.IDToken)
			expectReady(t, here, true, "")

			servers.failOver(t)
			after := servers.on(t, servers.second, shared)
			there := after.Start(t)
			execute(t, after, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", gone.UID)
			refusedAs(t, there, 5*time.Second, "deactivated, on the primary", gone.IDToken, "account_deactivated")
			left := factsLeft(t, here)

			waitFor(t, 5*time.Second, "O2: not ready while the database only reads", func() bool {
				return ask(t, here, http.MethodGet, "/health/ready", "").status == http.StatusServiceUnavailable
			})
			waitFor(t, factsAge, "T5: what was known is asked again", func() bool {
				return verify(t, here, gone.IDToken).status != http.StatusOK
			})
			verify(t, here, gone.IDToken).expectOutage(t, "T5: deactivated on the primary", 2*time.Second)
			verify(t, here, person.IDToken).expectOutage(t, "known before", 2*time.Second)
			verify(t, here, fresh).expectOutage(t, "a new token of a known person", 2*time.Second)
			logIn(t, here, *person.Email).expectOutage(t, "login", handlerLimit)
			logIn(t, here, local).expectOutage(t, "login of a local user", handlerLimit)
			expectReady(t, here, false, "database")
			if now := factsLeft(t, here); now != left {
				t.Errorf("T7: facts read on a standby were left in Redis: %s, before it %s", now, left)
			}
			expectRefusal(t, there, "on the primary, with the same Redis", gone.IDToken, http.StatusForbidden, "account_deactivated")
			verify(t, there, person.IDToken).expect(t, "on the primary", http.StatusOK, "")

			servers.promote(t)
			waitFor(t, 10*time.Second, "ready once the server takes writes", func() bool {
				return ask(t, here, http.MethodGet, "/health/ready", "").status == http.StatusOK
			})
			verify(t, here, fresh).expectWithin(t, "after the promotion", 2*time.Second)
			logIn(t, here, *person.Email).expectWithin(t, "login after the promotion", handlerLimit)
		})
	}
}

// With all hosts in DATABASE_URL, the pool, LISTEN, jobs and migrations find the primary without a restart.
func TestStandby_OfSeveralHostsTheWritableOneServes(t *testing.T) {
	t.Parallel()
	servers := newCluster(t)
	shared := servicetest.NewStack(t)
	before := servers.on(t, servers.first, shared)
	hosts := map[string]string{
		"DATABASE_URL": servers.several(before.ServingURL), "DATABASE_OWNER_URL": servers.several(before.DirectURL), "MIGRATE_ON_START": "on",
	}
	here := before.Start(t, hosts)
	person := here.Person(t)
	settle(t, here, person.IDToken)

	servers.failOver(t)
	after := servers.on(t, servers.second, shared)
	waitFor(t, 10*time.Second, "ready on the other server", func() bool {
		return ask(t, here, http.MethodGet, "/health/ready", "").status == http.StatusOK
	})
	logIn(t, here, *person.Email).expectWithin(t, "login on the other server", handlerLimit)
	newcomer := here.Person(t)
	if n := count(t, after, "auth.users WHERE firebase_uid = $1", newcomer.UID); n != 1 {
		t.Errorf("the new primary has %d rows of a person who came after the failover, expected 1", n)
	}
	waitFor(t, 10*time.Second, "LISTEN on the other server", func() bool {
		uid := here.Person(t)
		warm(t, here, uid.IDToken)
		execute(t, after, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", uid.UID)
		until := time.Now().Add(time.Second) // only LISTEN is so fast
		for time.Now().Before(until) {
			if _, code, _ := here.Verify(t, uid.IDToken); code == "account_deactivated" {
				return true
			}
		}
		return false
	})
	logout(t, here, newcomer.IDToken)
	waitFor(t, 20*time.Second, "the job of the logout, worked on the other server", func() bool {
		return count(t, after, "auth.river_job WHERE state = 'completed'") > 0
	})

	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	unmigrated := strings.Replace(servers.several(before.DirectURL), "/people", "/unmigrated", 1)
	if err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: unmigrated, Logger: quiet}); err != nil {
		t.Errorf("migrate with the standby named first: %v", err)
	}
	another := before.Start(t, hosts)
	expectReady(t, another, true, "")
	verify(t, another, person.IDToken).expect(t, "a new instance", http.StatusOK, "")
}
