package e2e

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// whileWaiting makes a change while a request waits for the row's lock.
func whileWaiting(t *testing.T, s *servicetest.Stack, id uuid.UUID, change func(tx pgx.Tx), start func() reply) reply {
	t.Helper()
	tx, err := s.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM auth.users WHERE id = $1 FOR UPDATE", id); err != nil {
		t.Fatal(err)
	}
	answered := make(chan reply, 1)
	go func() { answered <- start() }()
	eventually(t, "the request waits for the row", func() bool {
		return count(t, s, "pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')") > 0
	})
	change(tx)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-answered
}

// F10: the row gains the account while the deletion waits.
func TestAttack_ADeletionTakesTheAccountOfThisMoment_F10(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string // $1: row, $2: account
		uid    func(id uuid.UUID) string
	}{
		"linked meanwhile": {
			"UPDATE auth.users SET firebase_uid = $2, auth_provider = 'hybrid', updated_at = now() WHERE id = $1",
			func(uuid.UUID) string { return newUID() },
		},
		"a move begun meanwhile": {
			"UPDATE auth.users SET federation_status = 'syncing', updated_at = now() WHERE id = $1 AND id::text = $2",
			uuid.UUID.String,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t)
			email := servicetest.Email()
			id := localUser(t, s.Stack, email, servicetest.Password)
			uid := c.uid(id)
			session := legacyLogin(t, s, email, servicetest.Password)
			there := mint(t, s.Stack, claims(uid, email))
			answer := whileWaiting(t, s.Stack, id, func(tx pgx.Tx) {
				if _, err := tx.Exec(t.Context(), c.change, id, uid); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Identity.PutUser(identity.User{UID: uid, Email: email, EmailVerified: true}); err != nil {
					t.Fatal(err)
				}
			}, func() reply {
				return ask(t, s, http.MethodDelete, "/v1/auth/me", "{}", authorized(session.AccessToken)...)
			})
			answer.expect(t, "the deletion", http.StatusOK, "")
			if _, there := s.Identity.User(uid); there {
				t.Error("F10: the account at Firebase is still there")
			}
			expectRefusal(t, s, "F10: a session of the deleted account", there, 401, "token_revoked")
			if n := countRows(t, s.Stack, "email = $1", email); n != 0 {
				t.Error("F10: there is a row again")
			}
		})
	}
}

func TestAttack_ALinkDoesNotOutwaitAPasswordChange_F3_T4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	session := unproved(t, s, email)
	answer := whileWaiting(t, s.Stack, id, func(tx pgx.Tx) { changeHash(t, tx, id, hashOf(t, "OwnersNewPassword1")) },
		func() reply { return link(t, s, session.IDToken, servicetest.Password) })
	answer.expect(t, "F3: a link by the password from before the change", 401, "invalid_credentials")
	if n := countRows(t, s.Stack, "id = $1 AND firebase_uid IS NULL", id); n != 1 {
		t.Error("F3: the old password has linked the row")
	}
}

func TestAttack_ADeletionDoesNotOutwaitTheEndOfItsSession_T4(t *testing.T) {
	t.Parallel()
	for home, live := range homes {
		for what, change := range map[string]string{
			"password changed": "UPDATE auth.users SET tokens_valid_after = date_trunc('second', clock_timestamp()) + interval '1 second' WHERE id = $1",
			"deactivated":      "UPDATE auth.users SET is_active = FALSE WHERE id = $1",
		} {
			t.Run(home+", "+what, func(t *testing.T) {
				t.Parallel()
				s := servicetest.Start(t, trusts)
				o := live(t, s)
				answer := whileWaiting(t, s.Stack, o.id, func(tx pgx.Tx) {
					if _, err := tx.Exec(t.Context(), change, o.id); err != nil {
						t.Fatal(err)
					}
				}, func() reply { return ask(t, s, http.MethodDelete, "/v1/auth/me", "{}", authorized(o.tokens[0])...) })
				if what == "deactivated" {
					answer.expect(t, "the deletion", 403, "account_deactivated")
				} else {
					answer.expect(t, "the deletion", 401, "token_revoked")
				}
				if n := countRows(t, s.Stack, "id = $1", o.id); n != 1 {
					t.Error("T4: the row is gone")
				}
				if n := count(t, s.Stack, "auth.firebase_intents"); n != 0 {
					t.Errorf("T4: %d intents are left of a deletion that Firebase never heard of", n)
				}
			})
		}
	}
}

// T4, A7: a session that has ended sets no password.
func TestAttack_APasswordChangeDoesNotOutwaitTheEndOfItsSession_T4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o := livesHere(t, s)
	o.expectAlive(t, s) // the instance remembers it
	tx, err := s.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	owners := hashOf(t, "OwnersNewPassword1")
	changeHash(t, tx, o.id, owners)
	if _, err := tx.Exec(t.Context(), "LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan reply, 1)
	go func() { answered <- changePassword(t, s, o.tokens[0], "", newPassword) }()
	eventually(t, "the change waits for the row", func() bool {
		return count(t, s.Stack, "pg_locks WHERE NOT granted AND locktype = 'relation'") > 0
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	(<-answered).expect(t, "T4: a change by a session that has ended", 401, "token_revoked")
	if hash := rowOf(t, s.Stack, "id = $1", o.id).Hash; hash == nil || *hash != owners {
		t.Error("T4: the owner's new password was overwritten")
	}
}

// M2, A7: a change during a move would leave the old password and address at Firebase.
func TestAttack_NothingThatAMoveTakesChangesUnderIt_M2_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator, email := newAdmin(t, s.Stack), servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	session := legacyLogin(t, s, email, servicetest.Password)
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'syncing' WHERE id = $1", id)
	changePassword(t, s, session.AccessToken, "", newPassword).expect(t, "A7: a new password", 503, "dependency_unavailable")
	operator.ask(t, s, http.MethodPatch, userPath(id), jsonOf(t, map[string]any{"email": servicetest.Email()})).
		expect(t, "M2: a new address", 503, "dependency_unavailable")
	legacyLogin(t, s, email, servicetest.Password)
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'active' WHERE id = $1", id)
	changePassword(t, s, session.AccessToken, "", newPassword).expect(t, "A7: a new password after the move", 200, "")
}

func TestAttack_AnotherOperatorsChangeCompletesNoAbandonedOne_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator, other, person, address := newAdmin(t, s.Stack), newAdmin(t, s.Stack), s.Person(t), servicetest.Email()
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultUnavailable, Count: 1})
	operator.ask(t, s, http.MethodPatch, userPath(person.User.ID), jsonOf(t, map[string]any{"email": address, "user_type": "admin"})).
		expect(t, "the change that is abandoned", 503, "dependency_unavailable")
	s.Identity.ClearFaults()
	other.ask(t, s, http.MethodPatch, userPath(person.User.ID), jsonOf(t, map[string]any{"email": address})).
		expect(t, "the other operator's change", 200, "")
	eventually(t, "the job has looked", func() bool { return count(t, s.Stack, leftOver) == 0 })
	if n := countRows(t, s.Stack, "id = $1 AND email = $2 AND user_type = 'user'", person.User.ID, address); n != 1 {
		t.Error("O4: the abandoned change was completed by the other one")
	}
}

func TestAttack_ADemotedAdminsBalanceChangeIsRefused_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id := localUser(t, s.Stack, servicetest.Email(), servicetest.Password)
	for bytes.Compare(id[:], operator.id[:]) > 0 { // locked first, so the demotion does not wait
		id = localUser(t, s.Stack, servicetest.Email(), servicetest.Password)
	}
	before := count(t, s.Stack, "auth.ledger_entries WHERE user_id = $1", id)
	answer := whileWaiting(t, s.Stack, id, func(pgx.Tx) {
		execute(t, s.Stack, "UPDATE auth.users SET user_type = 'user' WHERE id = $1", operator.id)
	}, func() reply {
		return ask(t, s, http.MethodPost, "/v1/users/"+id.String()+"/token-balance", `{"amount":5,"reason":"test"}`,
			append(authorized(operator.token), "Idempotency-Key", "while-demoted")...)
	})
	answer.expect(t, "O4: the change of a demoted admin", 403, "forbidden")
	if n := count(t, s.Stack, "auth.ledger_entries WHERE user_id = $1", id) - before; n != 0 {
		t.Errorf("O4: %d entries were made", n)
	}
}
