package rollback_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/rollback"
)

func TestPage_EachPasswordComesHome_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	untouched, signedIn, changed, native, later := s.moved(), s.moved(), s.moved(), s.createdThere(newPassword), s.moved()
	s.signIn(signedIn, oldPassword)
	s.setPassword(changed, newPassword)
	s.setPassword(later, oldPassword)
	s.exec("UPDATE auth.users SET password_set_at = clock_timestamp() + interval '1 hour' WHERE id = $1", later)
	results := s.page(s.returner())
	for what, c := range map[string]struct {
		id            uuid.UUID
		password, way string
	}{
		"never signed in there":   {untouched, oldPassword, rollback.WayLocal},
		"signed in there":         {signedIn, oldPassword, rollback.WayLocal},
		"changed there":           {changed, newPassword, rollback.WayFirebase},
		"created there":           {native, newPassword, rollback.WayFirebase},
		"changed here later (A7)": {later, oldPassword, rollback.WayLocal},
	} {
		s.mustOpen(what, c.id, c.password)
		if hash := *s.row(c.id).hash; (hash == "!") != (c.way == rollback.WayFirebase) {
			t.Errorf("M7: %s: the old service sees the hash %q", what, hash)
		}
		if got := results[c.id]; got.Outcome != rollback.Returned || got.Code != c.way {
			t.Errorf("%s: the result is %+v", what, got)
		}
		if n := s.count("auth.audit_events WHERE action = 'user.returned' AND actor = 'cli:test' AND user_id = $1", c.id); n != 1 {
			t.Errorf("%s: the audit has %d events", what, n)
		}
	}
	if len(s.changed) != 5 {
		t.Errorf("T5: %d changes are announced", len(s.changed))
	}
	if accounts := s.provider.Users(); len(accounts) != 5 {
		t.Errorf("%d accounts are at Firebase, expected the 5 users and no canary", len(accounts))
	}
	if again := s.page(s.returner()); len(again) != 0 {
		t.Errorf("a repeated page has results %v", again)
	}
}

func TestPage_SomeStayAtFirebase_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	factor := func(u *firebase.ExportedUser) { u.Factors = []firebase.Factor{{ID: "f"}} }
	without := func(providers ...string) func(u *firebase.ExportedUser) {
		return func(u *firebase.ExportedUser) { u.HasPassword, u.Hash, u.Providers = false, nil, providers }
	}
	users := map[uuid.UUID]string{}
	for code, edit := range map[string]func(*firebase.ExportedUser){
		rollback.CodeSecondFactor: factor, rollback.CodeFederatedOnly: without("google.com", "phone"), rollback.CodePhoneOnly: without("phone"),
		rollback.CodeNoPassword: without(), rollback.CodeUnknownHash: func(u *firebase.ExportedUser) { u.Version = -1 },
		rollback.CodeEmailDiffers: func(u *firebase.ExportedUser) { u.Email = "other@example.com" },
		rollback.CodeNoHash:       func(u *firebase.ExportedUser) { u.Hash = nil },
	} {
		id := s.createdThere(newPassword)
		users[id], s.edits[id.String()] = code, edit
	}
	malformed := s.moved()
	users[malformed], s.edits[malformed.String()] = rollback.CodeUnknownHash, func(u *firebase.ExportedUser) { u.HashMalformed = true }
	short := s.createdThere(newPassword)
	users[short], s.edits[short.String()] = rollback.CodeUnknownHash, func(u *firebase.ExportedUser) { u.Hash = u.Hash[:8] }
	results := s.page(s.returner())
	for id, code := range users {
		outcome := rollback.Stays
		if code == rollback.CodeEmailDiffers {
			outcome = rollback.Failed
		}
		if got := results[id]; got.Outcome != outcome || got.Code != code {
			t.Errorf("%s: the result is %+v", code, got)
		}
		if r := s.row(id); r.provider == "local" {
			t.Errorf("M7: %s: the row is local", code)
		}
	}
	if len(s.changed) != 0 || s.exports != 1 {
		t.Errorf("%d rows changed, %d exports", len(s.changed), s.exports)
	}
}

// The password changes at Firebase after the export and before the row is local.
func TestPage_AChangeDuringThePageComesHome_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hybrid, native := s.moved(), s.createdThere(oldPassword)
	s.setPassword(hybrid, oldPassword)
	s.after = func(export int) {
		if export == 1 {
			s.setPassword(hybrid, newPassword)
			s.setPassword(native, newPassword)
		}
	}
	results := s.page(s.returner())
	for _, id := range []uuid.UUID{hybrid, native} {
		s.mustOpen("changed during the page", id, newPassword)
		if results[id].Outcome != rollback.Returned {
			t.Errorf("the result is %+v", results[id])
		}
	}
}

func TestPage_AFactorDuringThePageUndoesTheReturn_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hybrid, native := s.moved(), s.createdThere(newPassword)
	enrolled := false
	for _, id := range []uuid.UUID{hybrid, native} {
		s.edits[id.String()] = func(u *firebase.ExportedUser) {
			if enrolled {
				u.Factors = []firebase.Factor{{ID: "f"}}
			}
		}
	}
	s.after = func(int) { enrolled = true }
	results := s.page(s.returner())
	for id, provider := range map[uuid.UUID]string{hybrid: "hybrid", native: "firebase"} {
		r := s.row(id)
		if r.provider != provider || r.outcome != "skipped" || r.code != rollback.CodeSecondFactor || (r.hash == nil) != (provider == "firebase") {
			t.Errorf("M7: the row is %+v, the result %+v", r, results[id])
		}
		if n := s.count("auth.firebase_passwords WHERE user_id = $1", id); n != 0 {
			t.Error("M7: Firebase's hash is still there")
		}
	}
}

var errKilled = errors.New("killed")

// A page that ends at any record is repeated.
func TestPage_CutShortIsRepeated_M2_M7(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 2; cut++ {
		s := newStage(t)
		unchanged, native := s.moved(), s.createdThere(newPassword)
		r := s.returner()
		configs, err := r.Prepare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, records := s.batch(), 0
		b.Record = func(ctx context.Context, tx pgx.Tx, results []rollback.Result) error {
			if records++; records == cut {
				return errKilled
			}
			return s.record(ctx, tx, results)
		}
		if _, _, err := r.Page(t.Context(), "", configs, b); !errors.Is(err, errKilled) {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if cut == 2 {
			s.setPassword(native, oldPassword) // by a client of Firebase, before the next try
		}
		expected := map[int]string{1: newPassword, 2: oldPassword}[cut]
		results := s.page(r)
		s.mustOpen("cut short", unchanged, oldPassword)
		s.mustOpen("cut short", native, expected)
		for _, id := range []uuid.UUID{unchanged, native} {
			if results[id].Outcome != rollback.Returned || s.count("auth.audit_events WHERE action = 'user.returned' AND user_id = $1", id) != 1 {
				t.Errorf("cut %d: the result is %+v", cut, results[id])
			}
		}
	}
}

func TestPage_RowsThatChangeStayPending_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	intent, syncing := s.moved(), s.moved()
	s.exec(`INSERT INTO auth.firebase_intents (id, kind, user_id, firebase_uid, actor) VALUES ($1, 'password', $2, $3, 'test')`,
		uuid.New(), intent, intent.String())
	s.exec("UPDATE auth.users SET federation_status = 'syncing' WHERE id = $1", syncing)
	results := s.page(s.returner())
	for id, code := range map[uuid.UUID]string{intent: rollback.CodeChanged, syncing: rollback.CodeSyncing} {
		if r := s.row(id); r.provider != "hybrid" || results[id].Outcome != rollback.Pending || results[id].Code != code {
			t.Errorf("the row is %+v, the result %+v", r, results[id])
		}
	}
	s.exec("DELETE FROM auth.firebase_intents")
	s.exec("UPDATE auth.users SET federation_status = 'active'")
	s.page(s.returner())
	s.mustOpen("after the change", intent, oldPassword)
	s.mustOpen("after the claim", syncing, oldPassword)
}

// F3: a link took the local password out of use. An older one of Firebase's is no better; a later one is.
func TestPage_PasswordsFromBeforeALink_F3_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	older, later := s.createdThere(newPassword), s.createdThere(oldPassword)
	for _, id := range []uuid.UUID{older, later} {
		s.exec("UPDATE auth.users SET auth_provider = 'hybrid', password_hash = '!', password_set_at = clock_timestamp() WHERE id = $1", id)
		s.exec("INSERT INTO auth.set_aside_passwords (user_id, password_hash, reason, set_aside_at) VALUES ($1, $2, 'test', clock_timestamp())", id, s.hash)
	}
	time.Sleep(5 * time.Millisecond)
	s.setPassword(later, newPassword)
	results := s.page(s.returner())
	if got := results[older]; got.Outcome != rollback.Stays || got.Code != rollback.CodeSetAside || s.row(older).provider != "hybrid" {
		t.Errorf("F3: %+v, the row is %+v", got, s.row(older))
	}
	s.mustOpen("set after the link", later, newPassword)
}

func TestPage_OnlySelectedUsers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in, out, named, local := s.moved(), s.moved(), s.moved(), s.moved()
	s.exec("UPDATE auth.users SET auth_provider = 'local' WHERE id = $1", local)
	r := s.returner()
	configs, err := r.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := s.batch()
	b.Holds = func(id uuid.UUID) bool { return id == in }
	if results, _, err := r.Page(t.Context(), "", configs, b); err != nil || len(results) != 1 {
		t.Errorf("%v, %v", results, err)
	}
	s.exec("INSERT INTO auth.bulk_run_users (run_id, user_id, outcome) VALUES ($1, $2, 'pending'), ($1, $3, 'pending')", s.run, named, local)
	b.Named, b.Holds = true, nil
	results, _, err := r.Page(t.Context(), "", configs, b)
	if err != nil || len(results) != 2 {
		t.Errorf("%v, %v", results, err)
	}
	if s.row(out).provider != "hybrid" || s.row(named).provider != "local" || s.row(local).code != rollback.CodeLocal {
		t.Errorf("%v %v %v", s.row(out), s.row(named), s.row(local))
	}
}

func TestPrepare_RefusesWhatChecksNoPassword_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.moved()
	s.config = func(c *password.ScryptConfig) { c.Rounds-- }
	if _, err := s.returner().Prepare(t.Context()); !errors.Is(err, rollback.ErrHashConfig) {
		t.Errorf("other parameters: %v", err)
	}
	s.config = nil
	s.provider.HideHashes(true)
	if _, err := s.returner().Prepare(t.Context()); !errors.Is(err, rollback.ErrHashesHidden) {
		t.Errorf("hidden hashes: %v", err)
	}
	if n := len(s.provider.Users()); n != 1 {
		t.Errorf("%d accounts, expected no canary", n)
	}
}

func TestPrepare_RemovesOldCanaries(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old, young := "-canary-"+uuid.NewString(), "-canary-"+uuid.NewString()
	for _, uid := range []string{old, young} {
		if err := s.CreateUser(t.Context(), firebase.NewUser{UID: uid, Email: uid[1:] + "@canary.invalid", Password: newPassword}); err != nil {
			t.Fatal(err)
		}
	}
	s.edits[old] = func(u *firebase.ExportedUser) { u.CreatedAt = u.CreatedAt.Add(-2 * time.Hour) }
	if _, err := s.returner().Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := s.provider.Users(); len(left) != 1 || left[0].UID != young {
		t.Errorf("%d accounts are left", len(left))
	}
}

// The permission is taken away, or the signer key changes, between Prepare and the page.
func TestPage_HashesOfANewerVersion_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before, after := s.createdThere(newPassword), s.createdThere(oldPassword)
	r := s.returner()
	configs, err := r.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.provider.HideHashes(true)
	if _, _, err := r.Page(t.Context(), "", configs, s.batch()); !errors.Is(err, rollback.ErrHashesHidden) {
		t.Errorf("hidden hashes: %v", err)
	}
	s.provider.HideHashes(false)
	if r := s.row(before); r.provider != "firebase" {
		t.Errorf("M7: the row is %+v", r)
	}
	s.provider.RotateHashKey()
	time.Sleep(2 * time.Millisecond)
	s.setPassword(after, newPassword)
	if _, _, err := r.Page(t.Context(), "", configs, s.batch()); err != nil {
		t.Fatal(err)
	}
	s.mustOpen("hashed by the former key", before, newPassword)
	s.mustOpen("hashed by the new key", after, newPassword)

	other := newStage(t)
	lost := other.createdThere(newPassword)
	other.provider.RotateHashKey()
	if got := other.page(other.returner())[lost]; got.Outcome != rollback.Stays || got.Code != rollback.CodeUnknownHash {
		t.Errorf("M7: a hash of a key that was never seen: %+v", got)
	}
}

func (s *stage) count(from string, arguments ...any) (n int) {
	s.Helper()
	if err := s.pool.QueryRow(s.Context(), "SELECT count(*) FROM "+from, arguments...).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

func TestPage_ADisabledAccountIsNotOpened_S1_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	disabled, known, deactivated := s.moved(), s.moved(), s.moved()
	for _, id := range []uuid.UUID{disabled, known, deactivated} {
		if err := s.SetDisabled(t.Context(), id.String(), true); err != nil {
			t.Fatal(err)
		}
	}
	s.exec("UPDATE auth.users SET federation_status = 'disabled' WHERE id = $1", known)
	s.exec("UPDATE auth.users SET is_active = false WHERE id = $1", deactivated)
	results := s.page(s.returner())
	if r := s.row(disabled); r.provider != "hybrid" || results[disabled].Outcome != rollback.Stays || results[disabled].Code != rollback.CodeDisabled {
		t.Errorf("S1: the row is %+v, the result %+v", r, results[disabled])
	}
	s.mustOpen("disabled on both sides", known, oldPassword)
	s.mustOpen("deactivated here", deactivated, oldPassword)
}

func TestPage_DisabledDuringThePage_S1_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.moved()
	s.after = func(export int) {
		if export == 1 {
			if err := s.SetDisabled(context.WithoutCancel(t.Context()), id.String(), true); err != nil {
				t.Error(err)
			}
		}
	}
	if got := s.page(s.returner())[id]; got.Outcome != rollback.Stays || s.row(id).provider != "hybrid" {
		t.Errorf("S1: the row is %+v, the result %+v", s.row(id), got)
	}
}
