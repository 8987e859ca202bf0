package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/servicetest"
)

// An admitted request changes nothing after a demotion or a revoked key.
func TestOperators_ARequestUnderWayIsRefused_O4(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	// Without a pooler: all acts wait at the server at once.
	s := stack.Start(t, map[string]string{"DB_POOL_MAX": "20", "DATABASE_URL": stack.ServingURL})
	operator := newAdmin(t, stack)
	whole, key := newKey(t, stack, apikey.Admin)
	for name, c := range map[string]struct {
		credential []string
		end        string
		argument   any
	}{
		"a demoted admin": {[]string{"Authorization", "Bearer " + operator.token}, "UPDATE auth.users SET user_type = 'user' WHERE id = $1", operator.id},
		"a revoked key":   {[]string{keyHeader, whole}, "UPDATE auth.api_keys SET revoked_at = now(), revoked_by = 'cli:tester' WHERE id = $1", key.ID},
	} {
		t.Run(name, func(t *testing.T) {
			id, account := atFirebaseRow(t, stack)
			ask(t, s, http.MethodGet, "/v1/admin/rollout", "", c.credential...).expect(t, name+" before", http.StatusOK, "") // and records the key's use
			acts := []struct {
				what, method, path, body string
				header                   []string
			}{
				{"deactivate", http.MethodPost, userPath(id) + "/deactivate", "", nil},
				{"reactivate", http.MethodPost, userPath(id) + "/reactivate", "", nil},
				{"revoke tokens", http.MethodPost, userPath(id) + "/revoke-tokens", "", nil},
				{"change", http.MethodPatch, userPath(id), `{"user_type":"admin"}`, nil},
				{"sync a user", http.MethodPost, userPath(id) + "/sync", "", nil},
				{"sync an account", http.MethodPost, "/v1/admin/users/sync", jsonOf(t, map[string]any{"firebase_uid": account.UID}), nil},
				{"set the rollout", http.MethodPut, "/v1/admin/rollout", rolloutBody, nil},
				{"retry a job", http.MethodPost, "/v1/admin/jobs/1/retry", "", nil},
				{"change a balance", http.MethodPost, "/v1/users/" + id.String() + "/token-balance", `{"amount":5,"reason":"test"}`, []string{"Idempotency-Key", "under-way"}},
			}
			var all sync.WaitGroup
			defer all.Wait()
			tx, err := stack.DB.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if _, err := tx.Exec(t.Context(), c.end, c.argument); err != nil {
				t.Fatal(err)
			}
			answers := make([]reply, len(acts))
			for i, act := range acts {
				all.Go(func() {
					answers[i] = ask(t, s, act.method, act.path, act.body, slices.Concat(c.credential, act.header)...)
				})
			}
			eventually(t, "every act waits for the operator's row", func() bool {
				var waiting int
				if err := stack.DB.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'name: Hold(ForOperator|APIKey)'`).Scan(&waiting); err != nil {
					t.Fatal(err)
				}
				return waiting == len(acts)
			})
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			all.Wait()
			for i, act := range acts {
				answers[i].expect(t, name+": "+act.what, http.StatusForbidden, "forbidden")
			}
		})
	}
}
