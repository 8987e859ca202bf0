package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
	"auth-v2-service/internal/user"
)

func signInAs(t *testing.T, s *servicetest.Service, path, email, password string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, path, registerBody(t, email, password))
}

func expectRehashed(t *testing.T, s *servicetest.Service, id uuid.UUID, password string) {
	t.Helper()
	if hash := localHash(t, s.Stack, id); bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
		t.Errorf("M7: the hash of user %s is not bcrypt's of the password", id)
	}
	if keptFromFirebase(t, s.Stack, id) {
		t.Errorf("M7: Firebase's hash of user %s is still there", id)
	}
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.password_rehashed'", id); n != 1 {
		t.Errorf("M7: the audit has %d events of the new hash, expected 1", n)
	}
	same := count(t, s.Stack, "auth.users WHERE id = $1 AND abs(extract(EPOCH FROM now() - interval '10 minutes' - password_set_at)) < 100", id)
	if same != 1 {
		t.Error("A7: the hash is not dated by Firebase's password")
	}
}

func TestReturned_TheFirebasePasswordOpensTheAccount_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, path := range []string{"/v1/auth/login", "/auth/login"} {
		email := servicetest.Email()
		id := returnedUser(t, s.Stack, email)
		before := localHash(t, s.Stack, id)
		signInAs(t, s, path, email, servicetest.Password).expect(t, "M7: the password from before", 401, "invalid_credentials")
		signInAs(t, s, path, email, "WrongPassword1").expect(t, "a wrong password", 401, "invalid_credentials")
		if localHash(t, s.Stack, id) != before || !keptFromFirebase(t, s.Stack, id) {
			t.Error("M7: a refusal has changed the row")
		}
		first := signInAs(t, s, path, email, firebasePassword)
		first.expect(t, "M7: the password set at Firebase", 200, "")
		expectRehashed(t, s, id, firebasePassword)
		if n := count(t, s.Stack, "auth.legacy_sessions WHERE user_id = $1 AND ended_at IS NULL", id); n != 1 {
			t.Errorf("%d sessions go on, expected the one of the sign-in", n)
		}
		signInAs(t, s, path, email, servicetest.Password).expect(t, "M7: the password from before, later", 401, "invalid_credentials")
		signInAs(t, s, path, email, firebasePassword).expect(t, "the second sign-in", 200, "")
	}
	if log := s.Log.String(); strings.Contains(log, "signer key") || strings.Contains(log, "c2lnbmVyIGtleS") {
		t.Error("T6: the log has the signer key")
	}
}

func TestReturned_GooglesExample_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"firebase_uid": newUID()})
	example := identity.HashConfig{
		SignerKey:     fromBase64(t, "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="),
		SaltSeparator: fromBase64(t, "Bw=="), Rounds: 8, MemoryCost: 14,
	}
	hash := fromBase64(t, "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==")
	keepHash(t, s.Stack, user.FirebasePassword{
		UserID: id, Hash: keptHash(example, hash, fromBase64(t, "42xEC+ixf3L2lw==")), SetAt: time.Now().Add(-10 * time.Minute), ReadAt: time.Now(),
	})
	signInAs(t, s, "/v1/auth/login", email, "user1password").expect(t, "Google's example", 200, "")
	expectRehashed(t, s, id, "user1password")
}

func fromBase64(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestReturned_ManySignInsAtOnce_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email)
	answers := make([]reply, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = signInAs(t, s, []string{"/v1/auth/login", "/auth/login"}[i%2], email, []string{firebasePassword, servicetest.Password}[i/4])
		})
	}
	all.Wait()
	for i, answer := range answers {
		if i < 4 {
			answer.expect(t, "M7: Firebase's password, at once", 200, "")
		} else {
			answer.expect(t, "M7: the password from before, at once", 401, "invalid_credentials")
		}
	}
	expectRehashed(t, s, id, firebasePassword)
	if n := count(t, s.Stack, "auth.legacy_sessions WHERE user_id = $1 AND ended_at IS NULL", id); n != 4 {
		t.Errorf("%d sessions go on, expected 4", n)
	}
}

// The platform's own service, too, may set a password: the later one wins.
func TestReturned_ALaterLocalPasswordWins_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email)
	answer := holdRow(t, s.Stack, func(tx pgx.Tx) { changeHash(t, tx, id, hashOf(t, newPassword)) }, func() reply {
		return signInAs(t, s, "/v1/auth/login", email, firebasePassword)
	})
	answer.expect(t, "A7: Firebase's password, changed here while it was checked", 401, "invalid_credentials")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "A7: Firebase's password", 401, "invalid_credentials")
	signInAs(t, s, "/v1/auth/login", email, newPassword).expect(t, "A7: the later password", 200, "")
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.password_rehashed'", id); n != 0 {
		t.Errorf("the audit has %d new hashes, expected none", n)
	}
}

func TestReturned_ChangesThePassword_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email)
	old := hs256(t, accessSecret, oldAccess(id, email))
	changePassword(t, s, old, servicetest.Password, newPassword).expect(t, "the password from before proves nothing", 401, "invalid_credentials")
	changePassword(t, s, old, firebasePassword, newPassword).expect(t, "Firebase's password", 200, "")
	if keptFromFirebase(t, s.Stack, id) {
		t.Error("A7: Firebase's hash outlives a new password")
	}
	for password, want := range map[string]int{newPassword: 200, firebasePassword: 401, servicetest.Password: 401} {
		if got := signInAs(t, s, "/v1/auth/login", email, password); got.status != want {
			t.Errorf("%s is answered %d, expected %d", password, got.status, want)
		}
	}
}

func TestReturned_AReturnDuringAPasswordChange_M7_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"firebase_uid": newUID(), "password_set_at": time.Now().Add(-time.Hour)})
	hash, err := cheapScrypt.Hash(firebasePassword, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := hs256(t, accessSecret, oldAccess(id, email))
	answer := holdRow(t, s.Stack, func(tx pgx.Tx) {
		if err := keepIn(t, s.Stack, tx, user.FirebasePassword{UserID: id, Hash: keptHash(cheapScrypt, hash, nil), SetAt: time.Now(), ReadAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}, func() reply { return changePassword(t, s, old, servicetest.Password, newPassword) })
	answer.expect(t, "M7: a change that proved the password from before the return", 503, "dependency_unavailable")
	signInAs(t, s, "/v1/auth/login", email, newPassword).expect(t, "M7: the refused password", 401, "invalid_credentials")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "M7: Firebase's password", 200, "")
}

// The password that comes home while the old one is being proved is not replaced by that proof.
func TestReturned_AReturnDuringAProof_M7_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{
		"firebase_uid": newUID(), "password_set_at": time.Now().Add(-time.Hour), "password_hash": hashOfCost(t, servicetest.Password, 14),
	})
	hash, err := cheapScrypt.Hash(firebasePassword, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := hs256(t, accessSecret, oldAccess(id, email))
	answered := make(chan reply, 1)
	go func() { answered <- changePassword(t, s, old, servicetest.Password, newPassword) }()
	eventually(t, "the row's password is read", func() bool {
		return count(t, s.Stack, "pg_stat_activity WHERE query LIKE '%name: UserCredentials%' AND state = 'idle' AND datname = current_database()") > 0
	})
	if err := pgx.BeginFunc(t.Context(), s.DB, func(tx pgx.Tx) error {
		return keepIn(t, s.Stack, tx, user.FirebasePassword{UserID: id, Hash: keptHash(cheapScrypt, hash, nil), SetAt: time.Now(), ReadAt: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	(<-answered).expect(t, "M7: a change that proved the password from before the return", 503, "dependency_unavailable")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "M7: Firebase's password", 200, "")
}

func TestReturned_DeletesTheAccount_F10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email)
	old := authorized(hs256(t, accessSecret, oldAccess(id, email)))
	remove := func(password string) reply {
		return ask(t, s, http.MethodDelete, "/v1/auth/me", jsonOf(t, map[string]string{"currentPassword": password}), old...)
	}
	remove(servicetest.Password).expect(t, "the password from before", 401, "invalid_credentials")
	remove(firebasePassword).expect(t, "Firebase's password", 200, "")
	if keptFromFirebase(t, s.Stack, id) || count(t, s.Stack, "auth.tombstones WHERE user_id = $1", id) != 1 {
		t.Error("F10: the hash is still there, or no tombstone is")
	}
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "F10: a deleted account", 401, "invalid_credentials")
}

func TestReturned_Deactivated_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email, map[string]any{"is_active": false})
	signInAs(t, s, "/v1/auth/login", email, servicetest.Password).expect(t, "A3: the password from before", 401, "invalid_credentials")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "A3: Firebase's password", 403, "account_deactivated")
	if !keptFromFirebase(t, s.Stack, id) {
		t.Error("a refused sign-in has replaced the hash")
	}
}

func TestReturned_APasswordBeyond72BytesStays_A6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email, long := servicetest.Email(), strings.Repeat("0123456789", 8)
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"firebase_uid": newUID()})
	bringHome(t, s.Stack, id, cheapScrypt, long)
	for _, path := range []string{"/v1/auth/login", "/auth/login"} {
		signInAs(t, s, path, email, long).expect(t, "80 bytes", 200, "")
		signInAs(t, s, path, email, long[:72]).expect(t, "72 bytes", 401, "invalid_credentials")
	}
	if !keptFromFirebase(t, s.Stack, id) {
		t.Error("A6: the only hash that the password fits is gone")
	}
}

func TestReturned_AResetAtFirebaseCountsHere_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	email := *person.Email
	forgot(t, s, email).expect(t, "forgot", 202, "")
	code := mailTo(t, s, "PASSWORD_RESET", email)
	execute(t, s.Stack, "UPDATE auth.users SET auth_provider = 'local', password_hash = $2 WHERE id = $1", person.User.ID, hashOf(t, servicetest.Password))
	bringHome(t, s.Stack, person.User.ID, cheapScrypt, firebasePassword)
	reset(t, s, code, newPassword).expect(t, "reset", 200, "")
	for password, want := range map[string]int{newPassword: 200, firebasePassword: 401, servicetest.Password: 401} {
		if got := signInAs(t, s, "/v1/auth/login", email, password); got.status != want {
			t.Errorf("A7: %s is answered %d, expected %d", password, got.status, want)
		}
	}
}

func TestReturned_AProofOfTheAddressEndsThePassword_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	account := identity.User{UID: newUID(), Email: servicetest.Email(), EmailVerified: true}
	for _, hash := range []string{hashOf(t, servicetest.Password), "!"} {
		account.UID, account.Email = newUID(), servicetest.Email()
		id := localUser(t, s.Stack, account.Email, servicetest.Password, map[string]any{"firebase_uid": account.UID, "password_hash": hash})
		bringHome(t, s.Stack, id, cheapScrypt, firebasePassword)
		expectUser(t, s, "the owner", s.Token(t, account, "google.com"))
		if keptFromFirebase(t, s.Stack, id) {
			t.Error("F3: Firebase's hash outlives the proof")
		}
		signInAs(t, s, "/v1/auth/login", account.Email, firebasePassword).expect(t, "F3: the password from before the proof", 401, "invalid_credentials")
	}
}

func TestReturned_ARefusalTellsNothing_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LOGIN_FAILURE_MS": "1", "BCRYPT_MAX_COST": "10"})
	emails := map[string]string{"unknown": servicetest.Email(), "local": servicetest.Email(), "returned": servicetest.Email(), "deactivated": servicetest.Email()}
	localUser(t, s.Stack, emails["local"], servicetest.Password, map[string]any{"password_hash": hashOfCost(t, servicetest.Password, 6)})
	returnedUser(t, s.Stack, emails["returned"])
	heavy := cheapScrypt
	heavy.MemoryCost = 14 // of no password that is left
	replaced := localUser(t, s.Stack, servicetest.Email(), servicetest.Password)
	bringHome(t, s.Stack, replaced, heavy, firebasePassword)
	bringHome(t, s.Stack, replaced, cheapScrypt, firebasePassword)
	returnedUser(t, s.Stack, emails["deactivated"], map[string]any{"is_active": false})
	for name, email := range emails {
		before := passwordRounds(t, s)
		signInAs(t, s, "/v1/auth/login", email, "WrongPassword1").expect(t, name, 401, "invalid_credentials")
		if rounds := passwordRounds(t, s) - before; rounds != 1<<6+16 {
			t.Errorf("A3: %s: a refusal took %g rounds, expected bcrypt's %d and scrypt's 16", name, rounds, 1<<6)
		}
	}
}

func TestReturned_TheExportSaysThatAPasswordIsKept_T6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email, map[string]any{"password_hash": "!"})
	token := hs256(t, accessSecret, oldAccess(id, email))
	answer := ask(t, s, http.MethodGet, "/v1/auth/me/export", "", authorized(token)...)
	export := decoded[client.ExportEnvelope](t, answer).Data
	if !export.KeepsLocalPassword {
		t.Errorf("exported is %s", answer.body)
	}
	hash, err := cheapScrypt.Hash(firebasePassword, id[:10])
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string][]byte{"signer key": cheapScrypt.SignerKey, "hash": hash, "salt": id[:10]} {
		for _, shown := range []string{base64.StdEncoding.EncodeToString(secret[:9]), fmt.Sprintf("%x", secret), string(secret)} {
			if strings.Contains(string(answer.body), shown) {
				t.Errorf("T6: the %s is in the export: %s", what, answer.body)
			}
		}
	}
	execute(t, s.Stack, "DELETE FROM auth.firebase_passwords")
	answer = ask(t, s, http.MethodGet, "/v1/auth/me/export", "", authorized(token)...)
	if decoded[client.ExportEnvelope](t, answer).Data.KeepsLocalPassword {
		t.Errorf("without a password exported is %s", answer.body)
	}
}

func TestReturned_MovesAgainWithTheNewPassword_M2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	movesEverybody(t, s.Stack)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	bringHome(t, s.Stack, id, cheapScrypt, firebasePassword)
	forgot(t, s, email).expect(t, "a move without a password", 202, "")
	signInAs(t, s, "/v1/auth/login", email, servicetest.Password).expect(t, "the password from before", 401, "invalid_credentials")
	if session := newLogin(t, s, email, firebasePassword); session.Kind != "firebase" {
		t.Errorf("M2: the session is of kind %s, expected that the sign-in moves", session.Kind)
	}
	if keptFromFirebase(t, s.Stack, id) || !fits(t, s.Stack, id, firebasePassword) {
		t.Error("M2: the moved row does not keep the proved password alone")
	}
	signInAs(t, s, "/v1/auth/login", email, servicetest.Password).expect(t, "the password from before, after the move", 401, "invalid_credentials")
}
