package archtest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
)

// repository is a new repository with the checkout's files, uncommitted changes included.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{t, sameFolder(t)}
	listing := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z")
	listing.Dir = "../.."
	names, err := listing.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join("../..", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		r.write(name, string(content))
		info, err := os.Stat(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(r.path(name), info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	r.must("git", "init", "--quiet")
	r.must("git", "add", "--all")
	r.must("git", "commit", "--quiet", "--message=The checkout")
	return r
}

// sameFolder is empty, and the same for each run of a test: the compiler's and the linters' caches know its packages. While another run
// has it, the test gets a folder of its own.
func sameFolder(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "auth-v2-service", "test-hooks", t.Name())
	lock, err := lockfile.Try(folder + ".lock")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = lock.Close() })
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(folder, "checkout")
	if err := os.MkdirAll(checkout, 0o750); err != nil {
		t.Fatal(err)
	}
	return checkout
}

func (r repository) path(name string) string { return filepath.Join(r.dir, name) }

func (r repository) write(name, content string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path(name), []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r repository) replace(name, old, with string) {
	r.t.Helper()
	content, err := os.ReadFile(r.path(name))
	if err != nil || !strings.Contains(string(content), old) {
		r.t.Fatalf("%s does not hold what this test changes: %v", name, err)
	}
	r.write(name, strings.Replace(string(content), old, with, 1))
}

// run uses no git configuration.
func (r repository) run(environment []string, command ...string) (string, error) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), command[0], command[1:]...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=A Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=A Test", "GIT_COMMITTER_EMAIL=test@example.com")
	cmd.Env = append(cmd.Env, "GOFLAGS=-trimpath") // so that compiled packages serve each repository
	cmd.Env = append(cmd.Env, environment...)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

func (r repository) must(command ...string) string {
	r.t.Helper()
	output, err := r.run(nil, command...)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
	}
	return output
}

const newMigration = "-- migrate:up\nALTER TABLE auth.users ADD COLUMN column_of_a_test text;\n\n-- migrate:down\nALTER TABLE auth.users DROP COLUMN column_of_a_test;\n"

// stagings without refusals must pass.
var stagings = []struct {
	name     string
	change   func(r repository)
	refusals []string
}{
	{"words", func(r repository) { r.write("docs/new.md", "Words.\n") }, nil},
	{"good Go code", func(r repository) { r.write("internal/pg/new.go", "package pg\n\n// New is new.\nconst New = 1\n") }, nil},
	{"Go code that is not formatted", func(r repository) {
		r.write("internal/pg/new.go", "package pg\n\n// New is new.\nconst   New = 1\n")
	}, []string{"internal/pg/new.go", "run make fmt"}},
	{"Go code that the linters refuse", func(r repository) {
		r.write("internal/pg/new.go", "package pg\n\nfunc idle() {}\n")
	}, []string{"internal/pg/new.go:3", "idle is unused", "make lint"}},
	{"good Go code in authclient", func(r repository) {
		r.write("authclient/new.go", "package authclient\n\n// New2 is new.\nconst New2 = 1\n")
	}, nil},
	{"Go code in authclient that the linters refuse", func(r repository) {
		r.write("authclient/new.go", "package authclient\n\nfunc idle() {}\n")
	}, []string{"authclient/new.go:3", "idle is unused", "make lint"}},
	{"Go code that does not compile", func(r repository) { r.write("internal/pg/new.go", "package pg\n\nconst new int = \"\"\n") }, []string{"internal/pg/new.go:3"}},
	{"a contract that gen/ has not followed", func(r repository) {
		r.replace("api/openapi.yaml", "token_balance: { type: integer", "balance: { type: integer")
	}, []string{"gen/api/api.gen.go differs", "run make generate"}},
	{"an edit of gen/", func(r repository) { r.replace("gen/db/models.go", "package db", "package db\n\n// By hand.") }, []string{"gen/db/models.go differs", "run make generate"}},
	{"a query that names no column", func(r repository) {
		r.replace("db/queries/users.sql", "user_type, is_active", "user_kind, is_active")
	}, []string{"db/queries/users.sql", "user_kind"}},
	{"a migration without the catalogue", func(r repository) { r.write("db/migrations/900_column_of_a_test.sql", newMigration) }, []string{"db/catalogue.jsonl", "run make generate"}},
	{"a number given twice", func(r repository) { r.write("db/migrations/003_column_of_a_test.sql", newMigration) }, []string{"number 003 is given twice", "authd schema new"}},
	{"a number that was passed", func(r repository) {
		r.must("git", "mv", "db/migrations/016_restore_archive.sql", "db/migrations/900_restore_archive.sql")
		r.must("git", "commit", "--quiet", "--no-verify", "--message=Leave a gap")
		r.write("db/migrations/016_column_of_a_test.sql", newMigration)
	}, []string{"016_column_of_a_test.sql comes before 900"}},
	{"half a migration", func(r repository) { r.write("db/migrations/900_half.sql", "-- migrate:up\nSELECT 1;\n") }, []string{"migrate:down"}},
	{"a bad name", func(r repository) { r.write("db/migrations/add-locale.sql", newMigration) }, []string{"add-locale.sql must be called like"}},
	{"an edit of a committed migration", func(r repository) {
		r.replace("db/migrations/005_token_revocation.sql", "ADD COLUMN tokens_valid_after", "ADD COLUMN IF NOT EXISTS tokens_valid_after")
	}, []string{"005_token_revocation.sql was committed before", "MIGRATION_EDIT=ok git commit"}},
	{"a committed migration taken away", func(r repository) { r.must("git", "rm", "--quiet", "db/migrations/016_restore_archive.sql") }, []string{"016_restore_archive.sql was committed before and is gone"}},
	{"a comment in a committed migration", func(r repository) {
		r.replace("db/migrations/005_token_revocation.sql", "-- migrate:up\n", "-- migrate:up\n-- A word more.\n")
	}, nil},
}

func TestHooks_RefuseWhatIsStagedWrongly(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.must("tools/hooks.sh")
	base := strings.TrimSpace(r.must("git", "rev-parse", "HEAD"))
	for _, c := range stagings {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			r.must("git", "reset", "--quiet", "--hard", base)
			r.must("git", "clean", "--quiet", "-d", "--force")
			c.change(r)
			r.must("git", "add", "--all")
			began := time.Now()
			output, err := r.run(nil, "git", "commit", "--quiet", "--message=A change")
			t.Logf("%.1f s", time.Since(began).Seconds())
			if (err != nil) != (len(c.refusals) > 0) {
				t.Errorf("the commit ended with %v, expected refusals %q\n%s", err, c.refusals, output)
			}
			for _, words := range c.refusals {
				if !strings.Contains(output, words) {
					t.Errorf("the refusal does not say %q:\n%s", words, output)
				}
			}
		})
	}
}

// Only the index counts. MIGRATION_EDIT=ok admits an edit of a migration.
func TestHooks_LookAtTheIndex(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.must("tools/hooks.sh")
	const good, bad = "package pg\n\n// New is new.\nconst New = 1\n", "package pg\n\n// New is new.\nconst   New = 1\n"
	r.write("internal/pg/new.go", good)
	r.must("git", "add", "--all")
	r.write("internal/pg/new.go", bad)
	r.write("internal/pg/unstaged.go", "package nonsense")
	if output, err := r.run(nil, "git", "commit", "--quiet", "--message=Good"); err != nil {
		t.Errorf("what is not staged was blamed: %v\n%s", err, output)
	}
	r.must("git", "add", "internal/pg/new.go")
	r.write("internal/pg/new.go", good)
	if output, err := r.run(nil, "git", "commit", "--quiet", "--message=Bad"); err == nil {
		t.Errorf("what is staged passed, for the work tree is right\n%s", output)
	}
	r.must("git", "reset", "--quiet", "--hard")
	r.replace("db/migrations/005_token_revocation.sql", "ADD COLUMN tokens_valid_after", "ADD COLUMN IF NOT EXISTS tokens_valid_after")
	r.must("git", "add", "db")
	if output, err := r.run([]string{"MIGRATION_EDIT=ok"}, "git", "commit", "--quiet", "--message=With a word"); err != nil {
		t.Errorf("an edit with a word was refused: %v\n%s", err, output)
	}
}

// make hooks keeps a foreign hook and serves worktrees.
func TestHooks_InstallOnce(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	if output := r.must("make", "--no-print-directory", "hooks"); !strings.Contains(output, "pre-commit runs tools/pre-commit.sh") {
		t.Errorf("make hooks says %q, expected what it did", output)
	}
	if output := r.must("make", "--no-print-directory", "hooks"); output != "" {
		t.Errorf("make hooks says %q the second time, expected nothing", output)
	}
	r.must("git", "worktree", "add", "--quiet", "../worktree")
	tree := repository{t, filepath.Join(r.dir, "../worktree")}
	if output := tree.must("make", "--no-print-directory", "hooks"); output != "" {
		t.Errorf("in a worktree make hooks says %q, expected nothing: it is installed", output)
	}
	tree.write("internal/pg/new.go", "package   pg\n")
	tree.must("git", "add", "--all")
	if output, err := tree.run(nil, "git", "commit", "--quiet", "--message=Bad"); err == nil || !strings.Contains(output, "run make fmt") {
		t.Errorf("a bad commit in a worktree: %v\n%s", err, output)
	}
	const foreign = "#!/bin/sh\necho somebody else's\n"
	r.write(".git/hooks/pre-commit", foreign)
	output, err := r.run(nil, "make", "hooks")
	if err == nil || !strings.Contains(output, "not ours") || !strings.Contains(output, "tools/pre-commit.sh") {
		t.Errorf("over somebody else's hook make hooks ended with %v, expected it to say what to do\n%s", err, output)
	}
	if content, err := os.ReadFile(r.path(".git/hooks/pre-commit")); err != nil || string(content) != foreign {
		t.Errorf("somebody else's hook is %q now (%v), expected it left alone", content, err)
	}
}
