package schema_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	migrations "auth-v2-service/db"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
)

func TestExpected_IsTheSameInEveryVersion_D2(t *testing.T) {
	newest, err := postgres.FromNPM(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, programs := range []string{os.Getenv("DEVSTACK_POSTGRES_BIN"), newest} {
		t.Setenv("DEVSTACK_POSTGRES_BIN", programs)
		server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data"), Log: os.Stderr})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		if err := server.CreateDatabase(t.Context(), "atma_db"); err != nil {
			t.Fatal(err)
		}
		address := server.URL("atma_db")
		if err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: address, Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatalf("migrate PostgreSQL %s: %v", server.Version(), err)
		}
		pool, err := pgxpool.New(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		d := database{pool, t, address}
		expectSame(t, "D2: the catalogue in PostgreSQL "+server.Version(), string(migrations.Catalogue), d.shape())
		d.expectInStep()
		t.Logf("PostgreSQL %s: the same %d objects", server.Version(), len(schema.Expected()))
	}
}
