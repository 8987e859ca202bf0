package e2e

import (
	"testing"

	"auth-v2-service/internal/testkit/pgtest"
)

func TestDocs_Backup(t *testing.T) {
	t.Parallel()
	said := runPage(t, "../docs/ops/backup.md", pgtest.New(t))
	expectSaid(t, said, "Verified in", "It is not verified", "Restored in", "has 1 people", "refused, exit code 1", "jane@example.com", "state in_step")
}
