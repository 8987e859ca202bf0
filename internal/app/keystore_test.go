package app

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/token"
)

func TestKeyStore_T3(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store := keyStore{pool, "https://keys.example.com"}
	if found, err := store.LoadKeys(t.Context()); err != nil || found.URL != "" || found.Document != nil {
		t.Errorf("an empty store gave %+v, %v", found, err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	save := func(document string, at time.Time) {
		t.Helper()
		err := store.SaveKeys(t.Context(), token.KeySnapshot{
			URL: "https://keys.example.com", Document: json.RawMessage(document), FetchedAt: at, FreshUntil: at.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	save(`{"new":"keys"}`, now)
	save(`{"old":"keys"}`, now.Add(-time.Minute))
	found, err := store.LoadKeys(t.Context())
	sameTimes := found.FetchedAt.Equal(now) && found.FreshUntil.Equal(now.Add(time.Hour))
	if err != nil || string(found.Document) != `{"new": "keys"}` || !sameTimes {
		t.Errorf("T3: the store gave %s of %s (%v), expected the newer keys", found.Document, found.FetchedAt, err)
	}
	if other, err := (keyStore{pool, token.GoogleCertificatesURL}).LoadKeys(t.Context()); err != nil || other.Document != nil {
		t.Errorf("Google's keys are %s (%v), expected none: they are another source's", other.Document, err)
	}
}
