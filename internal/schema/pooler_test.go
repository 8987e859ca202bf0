package schema_test

import (
	"errors"
	"testing"

	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgbouncer"
)

func TestMigrate_RefusesAPooler_D6(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("009")
	shape := d.shape()
	pooled := schema.Options{DatabaseURL: pgbouncer.New(t, d.url, nil).URL(), Logger: quiet}
	_, rollback := schema.Rollback(t.Context(), pooled, "")
	_, adopt := schema.Adopt(t.Context(), pooled)
	_, look := schema.Look(t.Context(), pooled)
	for name, err := range map[string]error{"migrate": schema.Migrate(t.Context(), pooled), "rollback": rollback, "adopt": adopt, "look": look} {
		if !errors.Is(err, schema.ErrPooler) {
			t.Errorf("D6: %s through a pooler: %v, expected a refusal that names DATABASE_DIRECT_URL", name, err)
		}
	}
	expectSame(t, "the schema", shape, d.shape())
}
