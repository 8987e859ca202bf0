package main

import (
	"testing"

	"auth-v2-service/internal/testkit/pgtest"
)

func TestOperatorCommands_ExitCodes(t *testing.T) {
	t.Setenv("DATABASE_DIRECT_URL", "")
	const nowhere = "postgres://nobody@127.0.0.1:1/nothing"
	migrated, empty := pgtest.New(t), pgtest.Empty(t)
	nobody := reference{Email: "nobody@example.com"}
	for _, step := range []struct {
		name, at string
		run      func() error
		want     int
	}{
		{"create", migrated, keysCreateCommand{Name: "a service", Scope: "balance"}.Run, 0},
		{"create without a name", migrated, keysCreateCommand{Scope: "balance"}.Run, differs},
		{"create without a table", empty, keysCreateCommand{Name: "a service", Scope: "balance"}.Run, differs},
		{"create on no server", nowhere, keysCreateCommand{Name: "a service", Scope: "balance"}.Run, couldNotSay},
		{"list", migrated, keysListCommand{}.Run, 0},
		{"list for programs", migrated, keysListCommand{JSON: true}.Run, 0},
		{"list on no server", nowhere, keysListCommand{}.Run, couldNotSay},
		{"revoke what there is not", migrated, keysRevokeCommand{ID: "aaaaaaaaaaaaaaaa"}.Run, differs},
		{"revoke on no server", nowhere, keysRevokeCommand{ID: "aaaaaaaaaaaaaaaa"}.Run, couldNotSay},
		{"show nobody", migrated, usersShowCommand{reference: nobody}.Run, differs},
		{"show what is no id", migrated, usersShowCommand{reference: reference{ID: "jane"}}.Run, couldNotSay},
		{"show without a reference", migrated, usersShowCommand{}.Run, couldNotSay},
		{"promote nobody", migrated, usersPromoteCommand{nobody}.Run, differs},
		{"demote nobody", migrated, usersDemoteCommand{nobody}.Run, differs},
		{"promote on no server", nowhere, usersPromoteCommand{nobody}.Run, couldNotSay},
		{"demote without a table", empty, usersDemoteCommand{nobody}.Run, differs},
	} {
		t.Setenv("DATABASE_URL", step.at)
		if err := step.run(); codeOf(err) != step.want {
			t.Errorf("%s ended with %d (%v), expected %d", step.name, codeOf(err), err, step.want)
		}
	}
}
