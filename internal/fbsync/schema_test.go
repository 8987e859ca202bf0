package fbsync_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestSchema_IsWhatRiverMakes(t *testing.T) {
	t.Parallel()
	theirs, err := pg.Open(t.Context(), pg.Options{URL: pgtest.Empty(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(theirs.Close)
	if _, err := theirs.Exec(t.Context(), "CREATE SCHEMA auth"); err != nil {
		t.Fatal(err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(theirs), &rivermigrate.Config{Schema: "auth", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	ours, err := pg.Open(t.Context(), pg.Options{URL: pgtest.New(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ours.Close)
	want, got := riverLines(t, theirs), riverLines(t, ours)
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("River makes, and our migration does not: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("our migration makes, and River does not: %s", line)
		}
	}
	if len(got) < 30 {
		t.Errorf("%d objects of River's were compared, expected more", len(got))
	}
}

func riverLines(t *testing.T, db *pgxpool.Pool) []string {
	t.Helper()
	found, err := schema.Read(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(found.Lines()), "\n"), func(line string) bool {
		return !strings.Contains(line, "river_") || strings.Contains(line, "river_migration") ||
			strings.Contains(line, `"kind":"comment"`) || strings.Contains(line, "to auth_serving")
	})
}
