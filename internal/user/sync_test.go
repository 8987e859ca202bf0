package user

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/token"
)

// asked runs during a call, after its answer is fixed.
type vendor struct {
	accounts map[string]firebase.User
	asked    func()
	err      error
}

func (v *vendor) User(_ context.Context, uid string) (firebase.User, error) {
	account, found := v.accounts[uid]
	if v.asked != nil {
		asked := v.asked
		v.asked = nil
		asked()
	}
	switch {
	case v.err != nil:
		return firebase.User{}, v.err
	case !found:
		return firebase.User{}, firebase.ErrUserNotFound
	}
	return account, nil
}

func (v *vendor) SetEmail(context.Context, string, string) error { return v.err }

func syncingStore(t *testing.T) (*Store, *vendor) {
	t.Helper()
	s, v := newStore(t), &vendor{accounts: map[string]firebase.User{}}
	s.accounts, s.link = v, LinkPolicy{Providers: []string{"password", "google.com"}}
	return s, v
}

func (s *Store) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (s *Store) linkedRow(t *testing.T, columns map[string]any) uuid.UUID {
	t.Helper()
	id := uuid.New()
	s.exec(t, `INSERT INTO auth.users (id, firebase_uid, auth_provider, email, provider_data)
		VALUES ($1, $2, 'firebase', $3, '{"provider": "password", "email_verified": true}')`, id, id.String(), id.String()+"@example.com")
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		s.exec(t, "UPDATE auth.users SET "+name+" = $2 WHERE id = $1", id, columns[name])
	}
	return id
}

func accountOf(id uuid.UUID) firebase.User {
	return firebase.User{
		UID: id.String(), Email: id.String() + "@example.com", EmailVerified: true, Providers: []string{"password"}, HasPassword: true,
		CreatedAt: time.Now(),
	}
}

type syncedRow struct {
	email, status, hash, facts string
	ended, inStep              bool
}

func (s *Store) rowAfter(t *testing.T, id uuid.UUID) (r syncedRow) {
	t.Helper()
	err := s.pool.QueryRow(t.Context(), `SELECT email, federation_status, coalesce(password_hash, ''), provider_data::text,
		tokens_valid_after IS NOT NULL, last_firebase_sync IS NOT NULL FROM auth.users WHERE id = $1`, id).
		Scan(&r.email, &r.status, &r.hash, &r.facts, &r.ended, &r.inStep)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *Store) count(t *testing.T, where string, args ...any) (n int) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+where, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// S1, A7
func TestSync_TheRowFollows_S1(t *testing.T) {
	t.Parallel()
	s, v := syncingStore(t)
	holder := s.linkedRow(t, nil)
	now := time.Now()
	cases := map[string]struct {
		row     map[string]any
		account func(*firebase.User)
		outcome SyncOutcome
		failure string
		changed []string
		want    func(id uuid.UUID, r syncedRow) bool
	}{
		"nothing": {outcome: SyncUnchanged},
		"the first proof of the address": {
			row:     map[string]any{"provider_data": json.RawMessage(`{"email_verified": false}`)},
			account: func(u *firebase.User) { u.Providers, u.LastSignInAt = []string{"password", "google.com"}, now },
			outcome: SyncUpdated, changed: []string{"email_verified"}, want: func(_ uuid.UUID, r syncedRow) bool { return r.ended },
		},
		"an address in another case is the same": {row: map[string]any{"email": "Jane@Example.com"}, account: func(u *firebase.User) {
			u.Email = "jane@example.com"
		}, outcome: SyncUnchanged, want: func(_ uuid.UUID, r syncedRow) bool { return r.email == "Jane@Example.com" }},
		"another address": {
			account: func(u *firebase.User) { u.Email, u.EmailVerified = "Moved@Example.com", false }, outcome: SyncUpdated,
			changed: []string{"email", "email_verified"},
			want: func(_ uuid.UUID, r syncedRow) bool {
				return r.email == "moved@example.com" && r.facts == `{"provider": "password", "email_verified": false}`
			},
		},
		"no address any more": {
			account: func(u *firebase.User) { u.Email, u.Phone = "", "+15555550100" }, outcome: SyncUpdated,
			changed: []string{"email", "email_verified", "phone"},
			want:    func(id uuid.UUID, r syncedRow) bool { return r.email == PlaceholderEmail(id) },
		},
		"phone, photo and name": {
			account: func(u *firebase.User) { u.Phone, u.PhotoURL, u.DisplayName = "+1", "https://p", "Jane" },
			outcome: SyncUpdated, changed: []string{"display_name", "phone", "photo_url"},
			want: func(_ uuid.UUID, r syncedRow) bool {
				return r.facts == `{"phone": "+1", "provider": "password", "photo_url": "https://p", "display_name": "Jane", "email_verified": true}`
			},
		},
		"a photo that is gone": {
			row:     map[string]any{"provider_data": json.RawMessage(`{"photo_url": "https://p", "email_verified": true}`)},
			outcome: SyncUpdated, changed: []string{"photo_url"},
		},
		"an address that another row holds": {
			account: func(u *firebase.User) { u.Email = holder.String() + "@example.com" },
			outcome: SyncFailed, failure: FailureEmailHeld, changed: []string{"federation_status", "sync_failure"},
			want: func(id uuid.UUID, r syncedRow) bool {
				return r.email == id.String()+"@example.com" && r.status == "failed"
			},
		},
		"an address beyond ASCII": {
			account: func(u *firebase.User) { u.Email = "jäne@example.com" },
			outcome: SyncFailed, failure: FailureEmailUnsupported, changed: []string{"federation_status", "sync_failure"},
		},
		"failed before and mended": {
			row:     map[string]any{"federation_status": "failed", "provider_data": json.RawMessage(`{"sync_failure": "email_held", "email_verified": true}`)},
			outcome: SyncUpdated, changed: []string{"federation_status", "sync_failure"},
			want: func(_ uuid.UUID, r syncedRow) bool { return r.status == "active" },
		},
		"disabled there": {
			account: func(u *firebase.User) { u.Disabled = true }, outcome: SyncUpdated, changed: []string{"federation_status"},
			want: func(_ uuid.UUID, r syncedRow) bool { return r.status == "disabled" && r.ended },
		},
		"disabled there by us": {
			row: map[string]any{"is_active": false}, account: func(u *firebase.User) { u.Disabled = true },
			outcome: SyncUnchanged, want: func(_ uuid.UUID, r syncedRow) bool { return r.status == "active" },
		},
		"disabled there still, after a reactivation": {
			row:     map[string]any{"provider_data": json.RawMessage(`{"enabling": true, "email_verified": true}`)},
			account: func(u *firebase.User) { u.Disabled = true },
			outcome: SyncUnchanged, want: func(_ uuid.UUID, r syncedRow) bool { return r.status == "active" },
		},
		"enabled there, disabled here": {
			row: map[string]any{"federation_status": "disabled"}, outcome: SyncUnchanged,
			want: func(_ uuid.UUID, r syncedRow) bool { return r.status == "disabled" },
		},
		"a password newer there": {
			row:     map[string]any{"auth_provider": "hybrid", "password_hash": "old", "password_set_at": now.Add(-time.Hour)},
			account: func(u *firebase.User) { u.PasswordUpdatedAt = now }, outcome: SyncUpdated, changed: []string{"password"},
			want: func(_ uuid.UUID, r syncedRow) bool { return r.hash == "!" && r.ended },
		},
		"a password newer here": {
			row:     map[string]any{"auth_provider": "hybrid", "password_hash": "new", "password_set_at": now},
			account: func(u *firebase.User) { u.PasswordUpdatedAt = now.Add(-time.Hour) }, outcome: SyncUnchanged,
			want: func(_ uuid.UUID, r syncedRow) bool { return r.hash == "new" && !r.ended },
		},
		"a password here whose time nobody noted": {
			row:     map[string]any{"auth_provider": "hybrid", "password_hash": "old"},
			account: func(u *firebase.User) { u.PasswordUpdatedAt = now.Add(-time.Hour) }, outcome: SyncUpdated, changed: []string{"password"},
			want: func(_ uuid.UUID, r syncedRow) bool { return r.hash == "!" },
		},
		"no password there": {
			row:     map[string]any{"auth_provider": "hybrid", "password_hash": "old"},
			account: func(u *firebase.User) { u.HasPassword = false }, outcome: SyncUnchanged,
			want: func(_ uuid.UUID, r syncedRow) bool { return r.hash == "old" },
		},
		"a registration under way": {
			row: map[string]any{"federation_status": "syncing"}, account: func(u *firebase.User) { u.Email = "other@example.com" },
			outcome: SyncUnderWay, want: func(_ uuid.UUID, r syncedRow) bool { return r.status == "syncing" && r.email != "other@example.com" },
		},
		"facts that are no object": {row: map[string]any{"provider_data": json.RawMessage(`[1]`)}, outcome: SyncUpdated, changed: []string{"email_verified"}},
	}
	for what, c := range cases {
		id := s.linkedRow(t, c.row)
		account := accountOf(id)
		if c.account != nil {
			c.account(&account)
		}
		v.accounts[id.String()] = account
		synced, err := s.Sync(t.Context(), id.String(), "cli:test")
		if err != nil || synced.Outcome != c.outcome || synced.Failure != c.failure || !slices.Equal(synced.Changed, c.changed) || synced.User.ID != id {
			t.Errorf("S1, %s: %+v, %v", what, synced, err)
			continue
		}
		row := s.rowAfter(t, id)
		if c.want != nil && !c.want(id, row) {
			t.Errorf("S1, %s: the row is %+v", what, row)
		}
		if row.inStep != (c.outcome != SyncFailed && c.outcome != SyncUnderWay) {
			t.Errorf("S1, %s: last_firebase_sync is there: %t", what, row.inStep)
		}
		events := s.count(t, "auth.audit_events WHERE user_id = $1 AND action = 'user.synced' AND actor = 'cli:test'", id)
		if (events == 1) != (len(c.changed) > 0) || events > 1 {
			t.Errorf("O4, %s: %d events", what, events)
		}
		again, err := s.Sync(t.Context(), id.String(), "cli:test")
		if err != nil || len(again.Changed) != 0 || again.Failure != c.failure {
			t.Errorf("S1, %s, again: %+v, %v", what, again, err)
		}
	}
	if row := s.rowAfter(t, holder); row.email != holder.String()+"@example.com" || row.status != "active" {
		t.Errorf("S1: the holder of the address became %+v", row)
	}
}

func TestSync_AnOldAnswerUndoesNothing_S1(t *testing.T) {
	t.Parallel()
	s, v := syncingStore(t)
	id := s.linkedRow(t, nil)
	v.accounts[id.String()] = accountOf(id)
	v.asked = func() {
		changed := accountOf(id)
		changed.Email = "new@example.com"
		v.accounts[id.String()] = changed
		s.exec(t, "UPDATE auth.users SET email = 'new@example.com', updated_at = clock_timestamp() WHERE id = $1", id)
	}
	if synced, err := s.Sync(t.Context(), id.String(), "system"); err != nil || synced.User.Email != "new@example.com" {
		t.Errorf("S1: an old answer made it %+v, %v", synced, err)
	}
}

func TestSync_NoAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	s, v := syncingStore(t)
	id := s.linkedRow(t, nil)
	for _, v.err = range []error{firebase.ErrUnreachable, firebase.ErrTooManyAttempts} {
		if _, err := s.Sync(t.Context(), id.String(), "system"); fault.CodeOf(err) != fault.DependencyUnavailable {
			t.Errorf("%v: %v", v.err, err)
		}
	}
	if row := s.rowAfter(t, id); row.status != "active" || row.inStep {
		t.Errorf("the row became %+v", row)
	}
}

// S2
func TestSync_AccountGone(t *testing.T) {
	t.Parallel()
	s, _ := syncingStore(t)
	id := s.linkedRow(t, nil)
	for range 2 {
		synced, err := s.SyncByID(t.Context(), id, Operator{Actor: "system"})
		if err != nil || synced.Outcome != SyncFailed || synced.Failure != FailureAccountGone || synced.User.FederationStatus != StatusFailed {
			t.Errorf("gone: %+v, %v", synced, err)
		}
	}
	if n := s.count(t, "auth.audit_events WHERE user_id = $1", id); n != 1 {
		t.Errorf("O4: %d events, expected one", n)
	}
	if err := func() error { _, err := s.Sync(t.Context(), uuid.NewString(), "system"); return err }(); !errors.Is(err, ErrNoAccount) {
		t.Errorf("neither account nor row: %v", err)
	}
	s.exec(t, "UPDATE auth.users SET firebase_uid = NULL, auth_provider = 'local', password_hash = 'x' WHERE id = $1", id)
	if _, err := s.SyncByID(t.Context(), id, Operator{Actor: "system"}); !errors.Is(err, ErrNotAtFirebase) {
		t.Errorf("a local row: %v", err)
	}
	if _, err := s.SyncByID(t.Context(), uuid.New(), Operator{Actor: "system"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestSync_BringsIn_F1_F3_F10(t *testing.T) {
	t.Parallel()
	s, v := syncingStore(t)
	fresh, disabled, local, deleted, anonymous := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	for _, id := range []uuid.UUID{fresh, disabled, local, deleted} {
		v.accounts[id.String()] = accountOf(id)
	}
	account := accountOf(disabled)
	account.Disabled, account.DisplayName = true, "Jane"
	v.accounts[disabled.String()] = account
	v.accounts[anonymous.String()] = firebase.User{UID: anonymous.String()}
	row := uuid.New()
	s.exec(t, "INSERT INTO auth.users (id, email, password_hash) VALUES ($1, $2, 'x')", row, local.String()+"@example.com")
	s.exec(t, "INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at) VALUES ($1, $2, now() + interval '1 second')", deleted, deleted.String())
	for uid, want := range map[uuid.UUID]SyncOutcome{fresh: SyncCreated, disabled: SyncCreated, local: SyncLinked} {
		synced, err := s.Sync(t.Context(), uid.String(), "cli:test")
		if err != nil || synced.Outcome != want || synced.User.FirebaseUID != uid.String() || synced.User.LastLogin != nil {
			t.Errorf("%s: %+v, %v", want, synced, err)
		}
	}
	if n := s.count(t, "auth.users WHERE firebase_uid = $1 AND federation_status = 'disabled' AND provider_data ->> 'display_name' = 'Jane'", disabled.String()); n != 1 {
		t.Error("S1: a disabled account made no disabled row")
	}
	if n := s.count(t, "auth.users WHERE id = $1 AND firebase_uid = $2", row, local.String()); n != 1 {
		t.Error("F3: the local row was not linked")
	}
	if n := s.count(t, "auth.audit_events WHERE actor = 'cli:test' AND action IN ('user.created', 'user.linked')"); n != 3 {
		t.Errorf("O4: %d events, expected one a row", n)
	}
	if _, err := s.Sync(t.Context(), deleted.String(), "cli:test"); !errors.Is(err, ErrDeleted) {
		t.Errorf("F10: a deleted account: %v", err)
	}
	if _, err := s.Sync(t.Context(), anonymous.String(), "cli:test"); !errors.Is(err, ErrUnsupportedIdentity) {
		t.Errorf("F5: an anonymous account: %v", err)
	}
}

func TestOutOfStep(t *testing.T) {
	t.Parallel()
	s, _ := syncingStore(t)
	same, moved, hidden, keeps := s.linkedRow(t, nil), s.linkedRow(t, nil), s.linkedRow(t, nil),
		s.linkedRow(t, map[string]any{"provider_data": json.RawMessage(`{"display_name": "Joan"}`)})
	missing := uuid.New()
	accounts := []firebase.User{accountOf(same), accountOf(moved), accountOf(hidden), accountOf(keeps), accountOf(missing)}
	accounts[1].Email = "moved@example.com"
	accounts[2].DisplayName, accounts[3].DisplayName = "Jane", "Jane"
	differing, err := s.OutOfStep(t.Context(), accounts)
	if err != nil {
		t.Fatal(err)
	}
	var uids []string
	for _, account := range differing {
		uids = append(uids, account.UID)
	}
	if want := []string{moved.String(), keeps.String(), missing.String()}; !slices.Equal(uids, want) {
		t.Errorf("out of step are %v, expected %v", uids, want)
	}
}

func TestSync_LeavesRegistrationsAlone_A1(t *testing.T) {
	t.Parallel()
	s, v := syncingStore(t)
	id := s.linkedRow(t, map[string]any{"federation_status": "syncing"})
	v.accounts[id.String()] = accountOf(id)
	s.exec(t, "UPDATE auth.users SET updated_at = created_at WHERE id = $1", id)
	if _, err := s.Sync(t.Context(), id.String(), "system"); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "auth.users WHERE id = $1 AND updated_at = created_at", id); n != 1 {
		t.Error("A1: the row looks as if somebody had gone on with the registration")
	}
	u, err := s.SignedIn(t.Context(), token.Claims{Subject: id.String(), AuthTime: time.Now()})
	if err != nil || u.FederationStatus != StatusActive {
		t.Errorf("A1: the sign-in made it %+v, %v", u, err)
	}
}
