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

// ProjectID is development's Firebase project. Google's tools take "demo-..." for a nonexistent project.
const ProjectID = "demo-auth"

const database = "atma_db"

// secrets are kept: sessions survive restarts.
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
	owner              string
	database, redis    string
	identity           string
	certificates       string // empty for the official emulator
	servePort, metrics int
}

// serviceEnv is any `authd serve`'s environment, without ports.
func serviceEnv(p places, secrets Env) Env {
	env := Env{
		{"AUTH_ENV", "development"},
		{"LISTEN_HOST", cmp.Or(os.Getenv("LISTEN_HOST"), "127.0.0.1")}, // seeded passwords are public
		{"DATABASE_URL", p.database},
		{"MIGRATE_ON_START", "check"}, // the login may not migrate
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

// DATABASE_OWNER_URL is for authd's schema and backup commands.
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

// foreign variables could lead authd to real databases or Firebase projects.
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
