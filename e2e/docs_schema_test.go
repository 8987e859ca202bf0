package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/programs"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// runPage runs a page's sh blocks in a folder that resembles a checkout.
func runPage(t *testing.T, page, databaseURL string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "db"), os.DirFS("../db")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Dir(programs.Authd(t)) + string(os.PathListSeparator) + os.Getenv("PATH")
	var said strings.Builder
	blocks := shellBlock.FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of sh", page)
	}
	for _, block := range blocks {
		command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", string(block[1]))
		command.Dir = folder
		command.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "DATABASE_DIRECT_URL=", "DATABASE_OWNER_URL=", "PATH="+path)
		output, err := command.CombinedOutput()
		said.Write(output)
		if err != nil {
			t.Fatalf("%s: %v\n%s\nsaid:\n%s", page, err, block[1], output)
		}
	}
	return said.String()
}

func expectSaid(t *testing.T, said string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("nothing says %q in:\n%s", word, said)
		}
	}
}

func TestDocs_MigrationQuickReference(t *testing.T) {
	t.Parallel()
	said := runPage(t, "../docs/guides/MIGRATION_QUICK_REFERENCE.md", pgtest.Empty(t))
	expectSaid(t, said, "pending  000_legacy_users.sql", "exit code 1", "would apply", "state in_step", `"state": "in_step"`, "_add_locale.sql")
}

func TestDocs_RollbackProcedures(t *testing.T) {
	t.Parallel()
	said := runPage(t, "../docs/ops/rollback-procedures.md", pgtest.New(t))
	expectSaid(t, said, "rolled back 001_add_firebase_uid.sql", "auth.users holds 1 people", "refused, exit code 1", "state in_step")
}

func TestDocs_MonitoringQueries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/ops/monitoring-queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	queries := strings.Split(strings.TrimSpace(string(text)), ";\n")
	for _, query := range queries {
		if !strings.Contains(query, "\n-- Bad: ") {
			t.Errorf("this query does not say what a bad answer is:\n%s", query)
		}
		if _, err := conn.Exec(t.Context(), query); err != nil {
			t.Errorf("%v:\n%s", err, query)
		}
	}
	if len(queries) < 17 {
		t.Errorf("%d queries were found, expected 17 or more", len(queries))
	}
}

func TestDocs_BothWorlds(t *testing.T) {
	t.Setenv("LEGACY_EMAIL_VERIFIED", "unverified")
	said := runPage(t, "../docs/guides/both-worlds.md", pgtest.New(t))
	expectSaid(t, said, "0 % -> 10 %", "0 % -> 100 %")
}
