package apikey_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/pgtest"
)

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func create(t *testing.T, pool *pgxpool.Pool, scope apikey.Scope) (whole string, key apikey.Key) {
	t.Helper()
	whole, key, err := apikey.Create(t.Context(), pool, "a service", scope, "cli:tester")
	if err != nil {
		t.Fatal(err)
	}
	return whole, key
}

func events(t *testing.T, pool *pgxpool.Pool, where string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM auth.audit_events WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// T6, O4
func TestCreate_KeepsNoSecret_T6(t *testing.T) {
	t.Parallel()
	pool := database(t)
	whole, key := create(t, pool, apikey.Balance)
	if !regexp.MustCompile(`^av2_` + key.ID + `_[A-Za-z0-9_-]{43}$`).MatchString(whole) {
		t.Errorf("the key is %q", whole)
	}
	var kept string
	err := pool.QueryRow(t.Context(), `SELECT (SELECT string_agg(to_jsonb(k)::text, '') FROM auth.api_keys AS k)
		|| (SELECT string_agg(to_jsonb(e)::text, '') FROM auth.audit_events AS e)`).Scan(&kept)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(strings.TrimPrefix(whole, "av2_"), "_")
	if strings.Contains(kept, secret) || !strings.Contains(kept, key.ID) {
		t.Errorf("T6: the database holds %s", kept)
	}
	if n := events(t, pool, "action = 'api_key.created' AND actor = 'cli:tester' AND details = jsonb_build_object('key', '"+key.ID+"', 'name', 'a service', 'scope', 'balance')"); n != 1 {
		t.Errorf("O4: %d events, expected one", n)
	}
	listed, err := apikey.List(t.Context(), pool)
	if err != nil || len(listed) != 1 || listed[0].ID != key.ID || listed[0].CreatedBy != "cli:tester" || listed[0].LastUsedAt != nil || listed[0].RevokedAt != nil {
		t.Errorf("the list is %+v (%v)", listed, err)
	}
	if other, _ := create(t, pool, apikey.Balance); other == whole {
		t.Error("two keys are one")
	}
}

func TestFind_TheKeyAndNothingElse(t *testing.T) {
	t.Parallel()
	pool := database(t)
	store := apikey.NewStore(pool)
	whole, key := create(t, pool, apikey.Events)
	other, _ := create(t, pool, apikey.Admin)
	found, err := store.Find(t.Context(), whole)
	if err != nil || found.ID != key.ID || found.Name != "a service" || found.Scope != apikey.Events {
		t.Errorf("the key is %+v (%v)", found, err)
	}
	secretOf := func(whole string) string { return whole[len(whole)-43:] }
	unlike := map[string]string{
		"empty": "", "the id alone": key.ID, "the secret alone": secretOf(whole), "cut short": whole[:len(whole)-1], "longer": whole + "A",
		"another's secret": "av2_" + key.ID + "_" + secretOf(other), "another's id": strings.Replace(other, secretOf(other), secretOf(whole), 1),
		"an unknown id": "av2_aaaaaaaaaaaaaaaa_" + secretOf(whole), "upper case": strings.ToUpper(whole), "white space": " " + whole,
		"another version": "av3" + whole[3:], "padded": whole + "=", "a line break": whole + "\n", "NUL": whole[:10] + "\x00" + whole[11:],
		"no separators": strings.ReplaceAll(whole[:21], "_", "") + secretOf(whole), "long": strings.Repeat(whole, 1000),
	}
	// Two bits of the last character are unused.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", whole[len(whole)-1])
	unlike["another spelling"] = whole[:len(whole)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last|1])
	for what, presented := range unlike {
		if got, err := store.Find(t.Context(), presented); !errors.Is(err, apikey.ErrInvalid) || got != (apikey.Key{}) {
			t.Errorf("%s: %+v (%v), expected a refusal", what, got, err)
		}
	}
}

func TestFind_NotesUseOnceAnHour(t *testing.T) {
	t.Parallel()
	pool := database(t)
	store := apikey.NewStore(pool)
	whole, key := create(t, pool, apikey.Admin)
	noted := func() (at string) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), "SELECT coalesce(last_used_at::text, 'never') FROM auth.api_keys").Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	find := func(presented string) { _, _ = store.Find(t.Context(), presented) }
	ago := func(interval string) string {
		t.Helper()
		if _, err := pool.Exec(t.Context(), "UPDATE auth.api_keys SET last_used_at = now() - $1::interval", interval); err != nil {
			t.Fatal(err)
		}
		return noted()
	}
	find("av2_" + key.ID + "_" + strings.Repeat("A", 43))
	if noted() != "never" {
		t.Error("a wrong secret was noted as use")
	}
	find(whole)
	if noted() == "never" {
		t.Error("the use was not noted")
	}
	if was := ago("59 minutes"); func() string { find(whole); return noted() }() != was {
		t.Error("a use within the hour was noted")
	}
	was := ago("61 minutes")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := store.Find(t.Context(), whole); err != nil {
				t.Errorf("one of many at once: %v", err)
			}
		})
	}
	all.Wait()
	if noted() == was {
		t.Error("a use after an hour was not noted")
	}
	if _, _, err := apikey.Revoke(t.Context(), pool, key.ID, "cli:tester"); err != nil {
		t.Fatal(err)
	}
	if was := ago("2 hours"); func() string { find(whole); return noted() }() != was {
		t.Error("a revoked key's use was noted")
	}
}

// T5, O4
func TestRevoke_Once_T5(t *testing.T) {
	t.Parallel()
	pool := database(t)
	store := apikey.NewStore(pool)
	whole, key := create(t, pool, apikey.Admin)
	stays, _ := create(t, pool, apikey.Admin)
	for i, first := range []bool{true, false} {
		got, revoked, err := apikey.Revoke(t.Context(), pool, key.ID, "cli:tester")
		if err != nil || revoked != first || got.ID != key.ID || got.RevokedAt == nil || got.RevokedBy != "cli:tester" {
			t.Errorf("revocation %d: %+v %t (%v)", i+1, got, revoked, err)
		}
		if _, err := store.Find(t.Context(), whole); !errors.Is(err, apikey.ErrInvalid) {
			t.Errorf("T5: a revoked key was found: %v", err)
		}
	}
	if n := events(t, pool, "action = 'api_key.revoked' AND actor = 'cli:tester' AND details ->> 'key' = '"+key.ID+"'"); n != 1 {
		t.Errorf("O4: %d events, expected one", n)
	}
	if _, err := store.Find(t.Context(), stays); err != nil {
		t.Errorf("another key was revoked, too: %v", err)
	}
	for _, id := range []string{"aaaaaaaaaaaaaaaa", "", "x", whole, "a\x00b"} {
		if _, _, err := apikey.Revoke(t.Context(), pool, id, "cli:tester"); !errors.Is(err, apikey.ErrUnknown) || strings.Contains(err.Error(), whole) {
			t.Errorf("revoking %.20q: %v, expected that there is none", id, err)
		}
	}
}

func TestChanges_UnrecordedAreUndone_O4(t *testing.T) {
	t.Parallel()
	pool := database(t)
	whole, key := create(t, pool, apikey.Admin)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE auth.audit_events ADD CONSTRAINT no_room CHECK (action NOT LIKE 'api_key.%') NOT VALID"); err != nil {
		t.Fatal(err)
	}
	if whole, _, err := apikey.Create(t.Context(), pool, "another", apikey.Admin, "cli:tester"); err == nil || whole != "" {
		t.Errorf("O4: a key was made without a record: %v", err)
	}
	if _, _, err := apikey.Revoke(t.Context(), pool, key.ID, "cli:tester"); err == nil {
		t.Error("O4: a key was revoked without a record")
	}
	if _, err := apikey.NewStore(pool).Find(t.Context(), whole); err != nil {
		t.Errorf("O4: what was not revoked is refused: %v", err)
	}
	if listed, err := apikey.List(t.Context(), pool); err != nil || len(listed) != 1 {
		t.Errorf("O4: %d keys are there (%v), expected one", len(listed), err)
	}
}

func TestCreate_Refuses(t *testing.T) {
	t.Parallel()
	pool := database(t)
	for _, c := range []struct {
		name  string
		scope apikey.Scope
		want  error
	}{
		{"", apikey.Admin, apikey.ErrName},
		{"  ", apikey.Admin, apikey.ErrName},
		{"two\nlines", apikey.Admin, apikey.ErrName},
		{"\x1b[31mred", apikey.Admin, apikey.ErrName},
		{"\xff", apikey.Admin, apikey.ErrName},
		{strings.Repeat("é", 101), apikey.Admin, apikey.ErrName},
		{"a service", "", apikey.ErrScope},
		{"a service", "root", apikey.ErrScope},
	} {
		if _, _, err := apikey.Create(t.Context(), pool, c.name, c.scope, "cli:tester"); !errors.Is(err, c.want) {
			t.Errorf("%q, %q: %v, expected %v", c.name, c.scope, err, c.want)
		}
	}
	if _, _, err := apikey.Create(t.Context(), pool, strings.Repeat("é", 100), apikey.Admin, "cli:tester"); err != nil {
		t.Errorf("a name of 100 characters: %v", err)
	}
}

func TestKey_Operates(t *testing.T) {
	t.Parallel()
	pool := database(t)
	for _, c := range []struct {
		key, operation apikey.Scope
		want           bool
	}{
		{apikey.Admin, "", true},
		{apikey.Admin, apikey.Balance, true},
		{apikey.Balance, apikey.Balance, true},
		{apikey.Balance, apikey.Events, false},
		{apikey.Balance, "", false},
		{apikey.Events, apikey.Events, true},
		{apikey.Events, apikey.Admin, false},
		{"", "", false},
	} {
		if got := (apikey.Key{Scope: c.key}).Operates(c.operation); got != c.want {
			t.Errorf("a key of scope %q at an operation of scope %q: %t, expected %t", c.key, c.operation, got, c.want)
		}
	}
	for _, scope := range []apikey.Scope{apikey.Admin, apikey.Balance, apikey.Events} {
		create(t, pool, scope)
	}
}

func TestFind_DatabaseAway(t *testing.T) {
	t.Parallel()
	pool := database(t)
	whole, _ := create(t, pool, apikey.Admin)
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := apikey.NewStore(pool).Find(ended, whole); err == nil || errors.Is(err, apikey.ErrInvalid) || strings.Contains(err.Error(), whole) {
		t.Errorf("without an answer of the database: %v", err)
	}
}
