package compare_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/proof"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/rsakeys"
)

type stage struct {
	*testing.T
	pool     *pgxpool.Pool
	provider *identity.Provider
	client   *firebase.Client
	users    int
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t}
	var err error
	if s.pool, err = pg.Open(t.Context(), pg.Options{URL: pgtest.New(t), MaxConns: 10, ConnectTimeout: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	if s.provider, err = identity.New(identity.Options{ProjectID: "demo-test", ScryptMemoryCost: 4, NewKey: rsakeys.Source()}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.provider.Handler())
	t.Cleanup(func() { _ = s.provider.Close(); server.Close() })
	s.client, err = firebase.New(t.Context(), firebase.Options{ProjectID: "demo-test", EmulatorHost: server.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) exec(sql string, args ...any) {
	s.Helper()
	if _, err := s.pool.Exec(s.Context(), sql, args...); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

func (s *stage) moved() uuid.UUID {
	s.Helper()
	s.users++
	id, email, name := uuid.New(), fmt.Sprintf("user%d@example.com", s.users), fmt.Sprintf("user %d", s.users)
	s.exec(`INSERT INTO auth.users (id, firebase_uid, auth_provider, email, username, password_hash, token_balance)
		VALUES ($1, $2, 'hybrid', $3, $4, '$2a$04$' || repeat('x', 53), 5)`, id, id.String(), email, name)
	s.put(identity.User{UID: id.String(), Email: email, EmailVerified: true, DisplayName: name, Password: "TestPassword123"})
	return id
}

func (s *stage) put(u identity.User) {
	s.Helper()
	if _, err := s.provider.PutUser(u); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) compare(pageSize int) (compare.Summary, []compare.Difference) {
	s.Helper()
	summary, found, err := s.compareWith(s.client, pageSize)
	if err != nil {
		s.Fatal(err)
	}
	return summary, found
}

func (s *stage) compareWith(accounts compare.Accounts, pageSize int) (summary compare.Summary, found []compare.Difference, err error) {
	s.Helper()
	summary, err = compare.New(compare.Options{Pool: s.pool, Accounts: accounts, PageSize: pageSize}).Run(
		s.Context(), func(d compare.Difference) error {
			found = append(found, d)
			return nil
		})
	return summary, found, err
}

// listing replaces the list of the provider.
type listing struct {
	*firebase.Client
	list func(page string) ([]firebase.User, string, error)
}

func (l listing) List(_ context.Context, page string) ([]firebase.User, string, error) {
	return l.list(page)
}

func (s *stage) change(id uuid.UUID, alter func(*identity.User)) {
	s.Helper()
	account, found := s.provider.User(id.String())
	if !found {
		s.Fatalf("no account %s", id)
	}
	alter(&account)
	s.put(account)
}

var plants = map[compare.Kind]func(s *stage) (uuid.UUID, string){
	compare.MissingAccount: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("UPDATE auth.users SET firebase_uid = $2 WHERE id = $1", id, "missing-"+id.String())
		if err := s.client.DeleteUser(s.Context(), id.String()); err != nil {
			s.Fatal(err)
		}
		return id, "missing-" + id.String()
	},
	compare.WithoutRow: func(s *stage) (uuid.UUID, string) {
		uid := "nobody-knows-" + uuid.NewString()
		s.put(identity.User{UID: uid, Email: uid + "@example.com"})
		return uuid.Nil, uid
	},
	compare.UID: func(s *stage) (uuid.UUID, string) {
		id := uuid.New()
		s.exec(`INSERT INTO auth.users (id, email, username, password_hash) VALUES ($1, $2, $3, 'x')`, id, id.String()+"@example.com", id.String())
		uid := "another-uid-" + id.String()
		s.put(identity.User{UID: uid, Email: id.String() + "@Example.com"})
		return id, uid
	},
	compare.Provider: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("UPDATE auth.users SET auth_provider = 'local', firebase_uid = NULL WHERE id = $1", id)
		return id, id.String()
	},
	compare.Email: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("UPDATE auth.users SET email = 'other-' || email WHERE id = $1", id)
		return id, id.String()
	},
	compare.EmailVerified: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("UPDATE auth.users SET email_proven_at = now() WHERE id = $1", id)
		s.change(id, func(u *identity.User) { u.EmailVerified = false })
		return id, id.String()
	},
	compare.Disabled: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("UPDATE auth.users SET is_active = false WHERE id = $1", id)
		return id, id.String()
	},
	compare.DisplayName: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec(`UPDATE auth.users SET provider_data = '{"display_name": "Jane"}' WHERE id = $1`, id)
		return id, id.String()
	},
	compare.ValidSince: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("UPDATE auth.users SET tokens_valid_after = now() + interval '1 minute' WHERE id = $1", id)
		return id, id.String()
	},
	compare.Password: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		if err := s.client.DeleteUser(s.Context(), id.String()); err != nil {
			s.Fatal(err)
		}
		s.put(identity.User{UID: id.String(), Email: fmt.Sprintf("user%d@example.com", s.users), DisplayName: fmt.Sprintf("user %d", s.users)})
		return id, id.String()
	},
	compare.Balance: func(s *stage) (uuid.UUID, string) {
		id := s.moved()
		s.exec("ALTER TABLE auth.users DISABLE TRIGGER USER")
		s.exec("UPDATE auth.users SET token_balance = 6 WHERE id = $1", id)
		s.exec("ALTER TABLE auth.users ENABLE TRIGGER USER")
		return id, ""
	},
}

func TestRun_NamesEachKindOfDifference_M8(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range 5 {
		s.moved()
	}
	if summary, found := s.compare(2); !summary.Equal() || summary.Rows != 5 || summary.AtFirebase != 5 || summary.Accounts != 5 {
		t.Fatalf("equal sides give %+v, %v", summary, found)
	}
	want := map[compare.Difference]bool{}
	for kind, plant := range plants {
		for range 3 {
			id, uid := plant(s)
			want[compare.Difference{Kind: kind, ID: id, UID: uid}] = true
		}
	}
	summary, found := s.compare(7)
	for _, d := range found {
		if !want[d] {
			t.Errorf("found %+v, which was not planted", d)
		}
		delete(want, d)
	}
	for d := range want {
		t.Errorf("not found: %+v", d)
	}
	for kind := range plants {
		if summary.Differences[kind] != 3 {
			t.Errorf("the summary counts %d of %s, want 3", summary.Differences[kind], kind)
		}
	}
}

func TestRun_ReturnedRowsAndMovesUnderWayAreNoDifference_M8(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.exec("UPDATE auth.users SET auth_provider = 'local' WHERE id = $1", s.moved())
	s.exec("UPDATE auth.users SET auth_provider = 'local', firebase_uid = NULL, federation_status = 'syncing' WHERE id = $1", s.moved())
	if summary, found := s.compare(0); !summary.Equal() || summary.AtFirebase != 0 {
		t.Errorf("got %+v, %v", summary, found)
	}
}

// Neither side stands still.
func TestRun_LooksTwice_M8(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	settled, deleted, unlisted := s.moved(), s.moved(), s.moved()
	s.exec("UPDATE auth.users SET email = 'other-' || email WHERE id = ANY($1)", []uuid.UUID{settled, deleted, unlisted})
	summary, found, err := s.compareWith(listing{s.client, func(string) ([]firebase.User, string, error) {
		accounts, _, err := s.client.List(t.Context(), "")
		s.exec("UPDATE auth.users SET email = replace(email, 'other-', '') WHERE id = $1", settled)
		if err := s.client.DeleteUser(t.Context(), deleted.String()); err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(accounts, func(u firebase.User) bool { return u.UID == unlisted.String() }), "", err
	}}, 0)
	want := []compare.Difference{{Kind: compare.MissingAccount, ID: deleted, UID: deleted.String()}, {Kind: compare.Email, ID: unlisted, UID: unlisted.String()}}
	if err != nil || !slices.Equal(found, want) || len(summary.Differences) != 2 {
		t.Errorf("got %v, %v, expected %v", found, err, want)
	}
	s.exec(`UPDATE auth.users SET federation_status = 'disabled', provider_data = '{"sync_failure": "account_gone"}' WHERE id = $1`, deleted)
	if _, found = s.compare(0); !slices.Equal(found, want[1:]) {
		t.Errorf("of a row that is disabled as its account is gone, got %v", found)
	}
}

func TestRun_AListThatLoopsEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, pages := range []map[string]string{{"": "a", "a": "a"}, {"": "a", "a": "b", "b": "a"}, {"": "a", "a": "b", "b": "c", "c": "d", "d": "b"}} {
		list := func(page string) ([]firebase.User, string, error) { return nil, pages[page], nil }
		if _, _, err := s.compareWith(listing{s.client, list}, 0); err == nil {
			t.Errorf("pages %v lead to an end", pages)
		}
	}
}

func TestRun_RowsWithoutAddressOrUID_F5(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id, unlinked := uuid.New(), uuid.New()
	s.exec(`INSERT INTO auth.users (id, firebase_uid, auth_provider, email) VALUES ($1, $2, 'firebase', $3)`,
		id, "of-"+id.String(), id.String()+"@users.noreply.invalid")
	s.put(identity.User{UID: "of-" + id.String(), Phone: "+15555550100"})
	if summary, found := s.compare(0); !summary.Equal() {
		t.Errorf("an account without an address gives %v", found)
	}
	s.exec("UPDATE auth.users SET email = 'jane@example.com' WHERE id = $1", id)
	s.exec(`INSERT INTO auth.users (id, auth_provider, email) VALUES ($1, 'firebase', 'lois@example.com')`, unlinked)
	if summary, found := s.compare(0); !maps.Equal(summary.Differences, map[compare.Kind]int{compare.Email: 1, compare.UID: 1}) {
		t.Errorf("got %v", found)
	}
}

func TestRoot_IsOneForEachPageSizeAndChangesWithARow_M8(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var last uuid.UUID
	for range 20 {
		last = s.moved()
	}
	roots := map[string]bool{}
	for _, size := range []int{1, 3, 20, 1000} {
		root, err := compare.New(compare.Options{Pool: s.pool, Accounts: s.client, PageSize: size}).Root(t.Context())
		if err != nil || root.Rows != 20 {
			t.Fatalf("root %+v, %v", root, err)
		}
		roots[root.Hash.String()] = true
	}
	if len(roots) != 1 {
		t.Fatalf("page sizes give the roots %v", slices.Collect(maps.Keys(roots)))
	}
	for _, change := range []string{
		"token_balance = token_balance + 1", "username = 'other'", "user_type = 'admin'", "is_active = false", "created_at = created_at - interval '1 second'",
	} {
		s.exec("UPDATE auth.users SET "+change+" WHERE id = $1", last)
		summary, _ := s.compare(0)
		if roots[summary.Hash.String()] {
			t.Errorf("%s leaves a root that was", change)
		}
		roots[summary.Hash.String()] = true
	}
	s.exec(`INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller) VALUES ($1, 1, 7, 'external', 'test')`, last)
	summary, _ := s.compare(0)
	if roots[summary.Hash.String()] {
		t.Error("another entry of the ledger leaves the root")
	}
	roots[summary.Hash.String()] = true
	s.exec("UPDATE auth.users SET auth_provider = 'local', last_login = now(), email = 'other@example.com' WHERE id = $1", last)
	if summary, _ := s.compare(0); !roots[summary.Hash.String()] {
		t.Error("what a move changes changes the root")
	}
}

func TestProve_HoldsForTheRowAsItIs_M8(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var ids []uuid.UUID
	for range 9 {
		ids = append(ids, s.moved())
	}
	c := compare.New(compare.Options{Pool: s.pool, Accounts: s.client, PageSize: 4})
	for _, id := range ids {
		p, err := c.Prove(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Check(); err != nil {
			t.Errorf("the proof of %s: %v", id, err)
		}
		changed := p
		changed.Record = json.RawMessage(strings.Replace(string(p.Record), ",5,", ",6,", 1))
		if bytes.Equal(changed.Record, p.Record) || changed.Check() == nil {
			t.Errorf("the proof of %s holds for another balance", id)
		}
	}
	if _, err := c.Prove(t.Context(), uuid.New()); err == nil {
		t.Error("a user that does not exist is proved")
	}
}

func TestReport_EachByteIsSigned_M8(t *testing.T) {
	t.Parallel()
	secret, public, err := proof.NewKey("auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	report := compare.NewReport(&out)
	for _, d := range []compare.Difference{{Kind: compare.Email, ID: uuid.New(), UID: "uid"}, {Kind: compare.WithoutRow, UID: "other"}} {
		if err := report.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	summary := compare.Summary{AtFirebase: 2, Accounts: 3, Differences: map[compare.Kind]int{compare.Email: 1, compare.WithoutRow: 1}}
	scope := compare.Scope{Project: "demo-test", Database: "auth", At: "2026-01-02T03:04:05Z"}
	if err := report.End(scope, summary, secret); err != nil {
		t.Fatal(err)
	}
	gotScope, gotSummary, err := compare.CheckReport(bytes.NewReader(out.Bytes()), public)
	if err != nil || gotScope != scope || !maps.Equal(gotSummary.Differences, summary.Differences) || gotSummary.Root != summary.Root {
		t.Fatalf("checking gives %+v, %+v, %v\n%s", gotScope, gotSummary, err, out.String())
	}
	signed := out.Bytes()
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if _, _, err := compare.CheckReport(bytes.NewReader(changed), public); err == nil {
			t.Fatalf("with byte %d changed (%q) the report passes", i, signed[max(0, i-10):min(len(signed), i+10)])
		}
	}
	for what, changed := range map[string][]byte{
		"other line breaks": bytes.ReplaceAll(signed, []byte("\n"), []byte("\r\n")), "a line more": append([]byte("{}\n"), signed...),
		"a member more": bytes.Replace(signed, []byte(`{"note":`), []byte(`{"a":1,"note":`), 1), "an end cut off": signed[:len(signed)-1],
	} {
		if _, _, err := compare.CheckReport(bytes.NewReader(changed), public); err == nil {
			t.Errorf("with %s the report passes", what)
		}
	}
	if _, _, err := compare.CheckReport(bytes.NewReader(nil), public); err == nil {
		t.Error("an empty report passes")
	}
}
