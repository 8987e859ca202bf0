package archtest

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/programs"
)

// composition is a compose file with variables resolved.
type composition struct {
	Services map[string]struct {
		Build *struct {
			Context, Dockerfile, Target string
			Args                        map[string]*string
		}
		Image       string
		Command     []string
		Entrypoint  []string
		Environment map[string]*string
		DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
		Healthcheck *struct{ Test []string }
	}
}

// compose uses the library of `docker compose`.
func compose(t *testing.T, path string) composition {
	t.Helper()
	modfile, err := filepath.Abs("../../tools/compose/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+modfile, "cmd", "-format=json", filepath.Base(path))
	command.Dir = filepath.Join("../..", filepath.Dir(path)) // paths are relative to the file
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s is no compose file: %v\n%s", path, err, output)
	}
	var found composition
	if err := json.Unmarshal(output, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCompose_FilesAreWhole(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for path, wanted := range map[string][]string{
		"docker-compose.yml":                       {"postgres", "redis", "identity", "migrate", "login", "authd", "seed"},
		"docker/docker-compose.migration-test.yml": {"postgres", "migration-test"},
	} {
		found := compose(t, path)
		for _, name := range wanted {
			if _, there := found.Services[name]; !there {
				t.Errorf("%s has no service %s", path, name)
			}
		}
		for name, service := range found.Services {
			if b := service.Build; b != nil && (b.Context != root || !regexp.MustCompile(`(?m)^FROM .* AS `+b.Target+`$`).Match(dockerfile)) {
				t.Errorf("%s: %s is built from %s, stage %q, expected a stage of our Dockerfile", path, name, b.Context, b.Target)
			}
			if b := service.Build; b != nil && path == "docker-compose.yml" && (b.Args["VERSION"] == nil || *b.Args["VERSION"] == "") {
				t.Errorf("%s: %s is built without a VERSION to show", path, name)
			}
			for other, dependency := range service.DependsOn {
				if dependency.Condition == "service_healthy" && found.Services[other].Healthcheck == nil {
					t.Errorf("%s: %s waits for the health of %s, which has no health check", path, name, other)
				}
			}
		}
	}
}

// Least privilege: the one-shots, run twice, create a login that serves and cannot change the schema.
func TestCompose_ServesAsALoginThatMayDoNoMore(t *testing.T) {
	t.Parallel()
	services := compose(t, "docker-compose.yml").Services
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data")}) // logins belong to a whole server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.CreateDatabase(t.Context(), *services["authd"].Environment["DB_NAME"]); err != nil {
		t.Fatal(err)
	}
	location, err := url.Parse(server.URL(*services["authd"].Environment["DB_NAME"]))
	if err != nil {
		t.Fatal(err)
	}
	authd := programs.Authd(t)
	owner := connect(t, location)
	for range 2 {
		migrate := exec.CommandContext(t.Context(), authd, services["migrate"].Command...)
		migrate.Env = append(os.Environ(), "DATABASE_URL="+location.String(), "DATABASE_DIRECT_URL=", "DATABASE_OWNER_URL=")
		if output, err := migrate.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", migrate, err, output)
		}
		for _, argument := range services["login"].Command {
			statement, _ := strings.CutPrefix(argument, "--command=")
			if _, err := owner.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	serves := services["authd"].Environment
	location.User = url.UserPassword(*serves["DB_USER"], *serves["DB_PASSWORD"])
	conn := connect(t, location)
	if err := schema.Ready(t.Context(), conn); err != nil {
		t.Errorf("authd would not serve: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "DROP TABLE auth.audit_events"); !schema.Forbidden(err) {
		t.Errorf("authd's login drops a table: %v", err)
	}
}

func connect(t *testing.T, location *url.URL) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), location.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func TestCompose_MigrationTest(t *testing.T) {
	t.Parallel()
	oneShot := compose(t, "docker/docker-compose.migration-test.yml").Services["migration-test"]
	folder := programs.Dir(t)
	run := func(at string) (string, error) {
		command := exec.CommandContext(t.Context(), oneShot.Entrypoint[0], append(oneShot.Entrypoint[1:], oneShot.Command...)...)
		command.Dir = "../.." // the image's /src
		command.Env = []string{"PATH=" + os.Getenv("PATH")}
		for name := range oneShot.Environment {
			value := map[string]string{"AUTHD": filepath.Join(folder, "authd"), "DATABASE_URL": at}[name]
			command.Env = append(command.Env, name+"="+value)
		}
		output, err := command.CombinedOutput()
		return string(output), err
	}
	at := pgtest.Empty(t)
	output, err := run(at)
	if err != nil || !strings.Contains(output, "migrations went up, down and up again") {
		t.Errorf("on an empty database it ended with %v\n%s", err, output)
	}
	if output, err = run(at); err == nil || !strings.Contains(output, "give me an empty one") {
		t.Errorf("on a migrated database it ended with %v, expected it to leave that alone\n%s", err, output)
	}
	if output, err = run("postgres://127.0.0.1:1/nothing"); err == nil || !strings.Contains(output, "could not be asked") {
		t.Errorf("without a server it ended with %v, expected it to say so\n%s", err, output)
	}

	at = pgtest.Empty(t)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), "CREATE SCHEMA auth; CREATE TABLE auth.surprise ()"); err != nil {
		t.Fatal(err)
	}
	if output, err = run(at); err == nil || !strings.Contains(output, "auth.surprise") {
		t.Errorf("with a table that no migration makes it ended with %v, expected the difference by name\n%s", err, output)
	}
}
