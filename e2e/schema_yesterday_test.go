package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// expandOnly adds a column that today's release ignores.
const expandOnly = `-- migrate:up
ALTER TABLE auth.users ADD COLUMN column_of_a_test text DEFAULT 'en';

-- migrate:down
ALTER TABLE auth.users DROP COLUMN column_of_a_test;
`

var expansion = schema.Catalogue{
	{Kind: "column", Name: "auth.users.column_of_a_test", Definition: "text"},
	{Kind: "default", Name: "auth.users.column_of_a_test", Definition: "'en'::text"},
}

// buildTomorrow adds one migration and its catalogue.
func buildTomorrow(t *testing.T) (binary, version string) {
	t.Helper()
	folder := t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	newest, err := strconv.Atoi(schema.Version(schema.Files()[len(schema.Files())-1]))
	if err != nil {
		t.Fatal(err)
	}
	version = fmt.Sprintf("%03d", newest+1)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(root, "db/migrations", version+"_column_of_a_test.sql"): write(t, folder, "migration.sql", []byte(expandOnly)),
		filepath.Join(root, "db/catalogue.jsonl"):                             write(t, folder, "catalogue.jsonl", tomorrowsCatalogue()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(folder, "authd")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", write(t, folder, "overlay.json", overlay), "-o", binary, "./cmd/authd")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build tomorrow's authd: %v\n%s", err, output)
	}
	return binary, version
}

func tomorrowsCatalogue() []byte {
	all := slices.Concat(schema.Expected(), expansion)
	slices.SortFunc(all, func(a, b schema.Object) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return bytes.TrimSpace(all.Lines())
}

func write(t *testing.T, folder, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(folder, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func schemaCommand(t *testing.T, binary string, stack *servicetest.Stack, arguments ...string) (said string, ok bool) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, append([]string{"schema"}, arguments...)...)
	command.Env = append(os.Environ(), "DATABASE_URL="+stack.DirectURL, "DATABASE_DIRECT_URL=", "DATABASE_OWNER_URL=")
	output, err := command.CombinedOutput()
	return string(output), err == nil
}

// The old binary serves and refuses to roll back an unknown migration.
func TestStart_YesterdaysBinaryOnTodaysSchema_D2(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	yesterday := programs.Authd(t)
	today, version := buildTomorrow(t)
	if said, ok := schemaCommand(t, today, stack, "migrate"); !ok || !strings.Contains(said, version+"_column_of_a_test.sql") {
		t.Fatalf("the new binary did not migrate: %s", said)
	}
	if said, ok := schemaCommand(t, today, stack, "validate"); !ok {
		t.Errorf("D2: the new binary finds its own schema different: %s", said)
	}
	launch(t, today, stack, migrating).awaitReady(t)

	i := launch(t, yesterday, stack, migrating)
	s := stack.Reach(t, i.awaitReady(t))
	if told := strings.Count(i.log.String(), `"schema.state":"ahead"`); told != 1 {
		t.Errorf("D2: it said %d times that the schema is ahead, expected once:\n%s", told, i.log)
	}
	email := servicetest.Email()
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)).expect(t, "register", 201, "")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, servicetest.Password)).expect(t, "login", 200, "")
	if health := ask(t, s, "GET", "/health/schema", ""); health.status != 200 || !strings.Contains(string(health.body), `"state":"ahead"`) {
		t.Errorf("D2: /health/schema is %d %s", health.status, health.body)
	}
	if said, ok := schemaCommand(t, yesterday, stack, "status"); !ok || !strings.Contains(said, version) {
		t.Errorf("D2: status does not name the newer migration: %s", said)
	}
	if said, ok := schemaCommand(t, yesterday, stack, "rollback"); ok || !strings.Contains(said, version) {
		t.Errorf("D2: it took down what it does not know: %s", said)
	}
	if said, ok := schemaCommand(t, today, stack, "rollback"); !ok {
		t.Errorf("the new binary cannot take its migration down: %s", said)
	}
	expectInStep(t, stack)
}
