package e2e

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/servicetest"
)

// holdRow commits change when the sign-in of start waits for its lock.
func holdRow(t *testing.T, s *servicetest.Stack, change func(tx pgx.Tx), start func() reply) reply {
	t.Helper()
	tx, err := s.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	change(tx)
	answered := make(chan reply, 1)
	go func() { answered <- start() }()
	eventually(t, "the sign-in waits for the row", func() bool {
		return count(t, s, `pg_locks JOIN pg_stat_activity USING (pid)
			WHERE NOT granted AND locktype IN ('transactionid', 'tuple') AND datname = current_database() AND query NOT LIKE '%TouchLastLogin%'`) > 0
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-answered
}

// T4: a check of the old password before the change opens no session after it.
func TestAttack_ASignInDoesNotOutwaitAPasswordChange_T4(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/auth/login", "/auth/login"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t)
			email := servicetest.Email()
			id := localUser(t, s.Stack, email, servicetest.Password)
			answer := holdRow(t, s.Stack, func(tx pgx.Tx) { changeHash(t, tx, id, hashOf(t, "OwnersNewPassword1")) }, func() reply {
				return ask(t, s, http.MethodPost, path, registerBody(t, email, servicetest.Password))
			})
			answer.expect(t, "T4: the old password, proved before the change and let in after it", 401, "invalid_credentials")
			if n := count(t, s.Stack, "auth.legacy_sessions WHERE user_id = $1 AND ended_at IS NULL", id); n != 0 {
				t.Errorf("T4: %d sessions of the old password go on", n)
			}
			legacyLogin(t, s, email, "OwnersNewPassword1")
		})
	}
}

func changeHash(t *testing.T, tx pgx.Tx, id uuid.UUID, hash string) {
	t.Helper()
	_, err := tx.Exec(t.Context(), `UPDATE auth.users SET password_hash = $2, password_set_at = now(),
		tokens_valid_after = date_trunc('second', clock_timestamp()) + interval '1 second' WHERE id = $1`, id, hash)
	if err != nil {
		t.Fatal(err)
	}
}
