package backup_test

import (
	"net/url"
	"testing"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestVerify_RestoresNowhereButIntoItsScratchDatabase(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	for _, parameter := range []string{"dbname", "database"} {
		victim := open(t, pgtest.Empty(t))
		location, err := url.Parse(victim.url)
		if err != nil {
			t.Fatal(err)
		}
		query := location.Query()
		query.Set(parameter, victim.lines("SELECT current_database()::text"))
		location.RawQuery = query.Encode()
		o := d.options()
		o.VerifyURL = location.String()
		if _, err := backup.Verify(t.Context(), o, path); err != nil {
			t.Errorf("%s: %v", parameter, err)
		}
		if found := victim.lines("SELECT nspname::text FROM pg_namespace WHERE nspname = 'auth'"); found != "" {
			t.Errorf("%s: the backup was restored into the database that the parameter names", parameter)
		}
	}
}
