package main

import (
	"testing"

	"auth-v2-service/internal/testkit/pgtest"
)

func TestRolloutCommands_ExitCodes(t *testing.T) {
	t.Setenv("DATABASE_DIRECT_URL", "")
	t.Setenv("DATABASE_OWNER_URL", "")
	t.Setenv("LEGACY_EMAIL_VERIFIED", "")
	const nowhere = "postgres://nobody@127.0.0.1:1/nothing"
	migrated, empty := pgtest.New(t), pgtest.Empty(t)
	for _, step := range []struct {
		name, at string
		run      func() error
		want     int
	}{
		{"show", migrated, rolloutShowCommand{}.Run, 0},
		{"show for programs", migrated, rolloutShowCommand{JSON: true}.Run, 0},
		{"set nothing", migrated, rolloutSetCommand{}.Run, couldNotSay},
		{"move users without a decision", migrated, rolloutSetCommand{Users: new(1.0)}.Run, differs},
		{"set", migrated, rolloutSetCommand{Traffic: new(100.0), Deny: new("none")}.Run, 0},
		{"set the same", migrated, rolloutSetCommand{Traffic: new(100.0)}.Run, 0},
		{"a list of no ids", migrated, rolloutSetCommand{Allow: new("jane,joe")}.Run, couldNotSay},
		{"show of an empty database", empty, rolloutShowCommand{}.Run, differs},
		{"set in an empty database", empty, rolloutSetCommand{Traffic: new(1.0)}.Run, differs},
		{"show of no server", nowhere, rolloutShowCommand{}.Run, couldNotSay},
		{"set on no server", nowhere, rolloutSetCommand{Traffic: new(1.0)}.Run, couldNotSay},
		{"a URL that cannot be", "mysql://db", rolloutShowCommand{}.Run, couldNotSay},
	} {
		t.Setenv("DATABASE_URL", step.at)
		if err := step.run(); codeOf(err) != step.want {
			t.Errorf("%s ended with %d (%v), expected %d", step.name, codeOf(err), err, step.want)
		}
	}
}
