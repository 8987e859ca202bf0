package devstack

import (
	"fmt"
	"strings"
)

func (s *stack) announce() {
	s.say("\nReady after %s. Ctrl-C stops everything. A shell has all of this after: set -a; . %s; set +a\n", since(s.began), s.options.Folder.RunEnv())
	s.say("%s", Places(s.env))
	s.say("\nPeople:")
	for _, person := range People {
		s.say("  %-20s password %-16s %s, signs in at %s", person.Email, person.Password, person.UserType, signsInAt(person))
	}
	s.say("\n%s", nodeLines(s.options.Identity, s.env))
	s.say("\nTry:\n%s\n", tryLines(s.env.Get("AUTH_URL")))
}

func signsInAt(person Person) string {
	if person.UID == "" {
		return "the legacy service only (its bcrypt hash is in auth.users)"
	}
	return "Firebase"
}

// Places lists a running stack's addresses.
func Places(env Env) string {
	var lines []string
	for _, name := range []string{"AUTH_URL", "METRICS_URL", "IDENTITY_URL", "DATABASE_URL", "REDIS_URL"} {
		lines = append(lines, fmt.Sprintf("  %-13s %s", name, env.Get(name)))
	}
	return strings.Join(lines, "\n")
}

// With FIREBASE_AUTH_EMULATOR_HOST set, firebase-admin takes unsigned tokens only.
func nodeLines(identity string, env Env) string {
	if identity == Emulator {
		return fmt.Sprintf("Node services with firebase-admin verify these tokens with:\n  FIREBASE_AUTH_EMULATOR_HOST=%s GOOGLE_CLOUD_PROJECT=%s",
			env.Get("FIREBASE_AUTH_EMULATOR_HOST"), env.Get("FIREBASE_PROJECT_ID"))
	}
	return fmt.Sprintf("Node services: firebase-admin does not verify these tokens, for they are signed. Use one of:\n"+
		"  clients/express, with AUTH_V2_SERVICE_URL=%s\n"+
		"  make run IDENTITY=emulator, which issues the unsigned tokens that firebase-admin takes in development", env.Get("AUTH_URL"))
}

func tryLines(authURL string) string {
	jane := People[1]
	return strings.Join([]string{
		fmt.Sprintf(`  TOKEN=$(curl -s %s/v1/auth/login -H 'Content-Type: application/json' -d '{"email":"%s","password":"%s"}' | sed -n 's/.*"idToken":"\([^"]*\)".*/\1/p')`,
			authURL, jane.Email, jane.Password),
		fmt.Sprintf(`  curl -s %s/v1/auth/me -H "Authorization: Bearer $TOKEN"`, authURL),
		fmt.Sprintf(`  curl -s %s/v1/auth/verify-token -H 'Content-Type: application/json' -d "{\"token\":\"$TOKEN\"}"`, authURL),
	}, "\n")
}
