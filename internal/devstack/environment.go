package devstack

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// ProjectID is the Firebase project of development. Google's tools treat "demo-..." as a project that does not exist.
const ProjectID = "demo-auth"

const database = "atma_db"

// secrets makes the JWT secrets once for a folder and keeps them: sessions survive a restart.
func (f Folder) secrets() (Env, error) {
	path := f.path("secrets.env")
	env, err := readEnv(path)
	if err == nil && env.Get("JWT_ACCESS_SECRET") != "" && env.Get("JWT_REFRESH_SECRET") != "" {
		return env, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	env = nil
	for _, name := range []string{"JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET"} {
		random := make([]byte, 32)
		if _, err := rand.Read(random); err != nil {
			return nil, fmt.Errorf("random secret: %w", err)
		}
		env = append(env, Variable{name, hex.EncodeToString(random)})
	}
	return env, env.write(path, "Secrets of this folder's development stack. Remove the folder (make clean-dev) to have new ones.")
}

type places struct {
	owner              string // URL of the owner role
	database, redis    string // URLs; the database as the serving login
	identity           string
	certificates       string // URL; empty for the official emulator
	servePort, metrics int
}

// serviceEnv returns what any `authd serve` beside this stack needs, except its ports.
func serviceEnv(p places, secrets Env) Env {
	env := Env{
		{"AUTH_ENV", "development"},
		{"LISTEN_HOST", cmp.Or(os.Getenv("LISTEN_HOST"), "127.0.0.1")}, // loopback: seeded passwords are public
		{"DATABASE_URL", p.database},
		{"MIGRATE_ON_START", "check"}, // the serving login may not migrate
		{"REDIS_URL", p.redis},
		{"FIREBASE_PROJECT_ID", ProjectID},
		{"FIREBASE_API_KEY", "dev-api-key"},
		{"FIREBASE_AUTH_EMULATOR_HOST", p.identity},
	}
	if p.certificates != "" {
		env = append(env, Variable{"FIREBASE_CERTS_URL", p.certificates})
	}
	return append(env, secrets...)
}

// runEnv returns the content of run.env. DATABASE_OWNER_URL serves authd's commands that change or back up the schema.
func runEnv(p places, service Env) Env {
	return append(Env{
		{"AUTH_URL", fmt.Sprintf("http://127.0.0.1:%d", p.servePort)},
		{"METRICS_URL", fmt.Sprintf("http://127.0.0.1:%d/metrics", p.metrics)},
		{"IDENTITY_URL", "http://" + p.identity},
		{"DATABASE_OWNER_URL", p.owner},
	}, service...)
}

const runEnvComment = `Where this folder's development stack is, while it runs. For a shell: set -a; . .dev/run.env; set +a
An extra instance: (set -a; . .dev/run.env; PORT=3018 METRICS_PORT=9474 bin/authd serve)`

// foreign lists variables that could lead a development authd to a real database or Firebase project.
var foreign = []string{
	"DATABASE_DIRECT_URL", "DATABASE_OWNER_URL", "DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "AUTH_DB_PASSWORD", "DB_SCHEMA",
	"REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "FIREBASE_CONFIG",
	"FIREBASE_CERTS_URL", "FIREBASE_TENANT",
}

func withoutForeign(base []string) []string {
	return slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(foreign, name)
	})
}
