package app

import (
	"bytes"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/testkit/pgtest"
)

func TestSharedKey_IsOneForAllInstances_T7(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	pool, err := pgxpool.New(t.Context(), pgtest.Serving(t, database)) // that role has the rights
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	keys := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			key, err := sharedKey(t.Context(), pool, factsKeyName, "")
			keys[i] = key
			if err != nil {
				t.Errorf("an instance got no key: %v", err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if len(key) != serviceKeyBytes || !bytes.Equal(key, keys[0]) {
			t.Fatalf("instances have the keys %x and %x", keys[0], key)
		}
	}
	if other, err := sharedKey(t.Context(), pool, limitsKeyName, ""); err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("the key of another use is %x (%v)", other, err)
	}
	if set, err := sharedKey(t.Context(), pool, factsKeyName, "a setting"); err != nil || string(set) != "a setting" {
		t.Errorf("a setting gave %q (%v)", set, err)
	}
	owner, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	if _, err := owner.Exec(t.Context(), "DELETE FROM auth.service_keys WHERE name = $1", factsKeyName); err != nil {
		t.Fatal(err)
	}
	if rotated, err := sharedKey(t.Context(), pool, factsKeyName, ""); err != nil || bytes.Equal(rotated, keys[0]) {
		t.Errorf("after a rotation the key is %x (%v)", rotated, err)
	}
}
