package schema

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// rowCheck finds rows that block a migration or deserve a note.
type rowCheck struct {
	what, hint string
	where      string // condition on auth.users AS u
	shared     string // expression that must be unique, instead of where
	needs      []string
	lacks      string
	blocks     bool
}

// canonical is auth.canonical_email, which may not exist yet.
const canonical = `lower(btrim(u.email, E' \t\n\r\f\x0b') COLLATE "C")`

// plainAddress and bcryptForm match what internal/user and internal/password accept. bcryptCost is auth.bcrypt_cost, which may not exist
// yet.
const (
	plainAddress = "'^[a-z0-9!#$%&''*+/=?^_`{|}~-]+([.][a-z0-9!#$%&''*+/=?^_`{|}~-]+)*" +
		"@[a-z0-9!#$%&''*+/=?^_`{|}~-]+([.][a-z0-9!#$%&''*+/=?^_`{|}~-]+)*$'"
	bcryptForm = `'^\$2[abxy]?\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$'`
	bcryptCost = `CASE WHEN u.password_hash ~ ` + bcryptForm + ` THEN substr(u.password_hash, length(u.password_hash) - 55, 2)::int END`
)

func costCheck(bound int) rowCheck {
	return rowCheck{
		what: fmt.Sprintf("rows have a password hash of a cost above %d", bound), needs: []string{"password_hash"},
		where: fmt.Sprintf("%s > %d", bcryptCost, bound),
		hint:  "no sign-in checks it: have these people reset their passwords, or raise BCRYPT_MAX_COST",
	}
}

var rowChecks = []rowCheck{
	{
		what: "rows share an e-mail once trimmed and in lower case", needs: []string{"email"}, blocks: true, shared: canonical,
		hint: "change the e-mail of all but one of each group",
	},
	{
		what: "rows share a username", needs: []string{"username"}, blocks: true, shared: "u.username",
		hint: "change or clear the username of all but one of each group",
	},
	{
		what: "rows share a firebase_uid", needs: []string{"firebase_uid"}, blocks: true, shared: "u.firebase_uid",
		hint: "one account is one person: clear the firebase_uid of all but one of each group",
	},
	{
		what: "rows have no e-mail", needs: []string{"email"}, blocks: true, where: "u.email IS NULL",
		hint: "give each an address; <row id>@users.noreply.invalid is one for people who have none",
	},
	{
		what: "rows have a firebase_uid of less than 20 characters", needs: []string{"firebase_uid"}, blocks: true,
		where: "length(u.firebase_uid) < 20", hint: "correct it, or set it to NULL",
	},
	{
		what: "rows have an auth_provider other than local, firebase and hybrid", needs: []string{"auth_provider"}, blocks: true,
		where: "u.auth_provider NOT IN ('local', 'firebase', 'hybrid')", hint: "correct it",
	},
	{
		what:  "rows have a federation_status other than active, syncing, failed and disabled",
		needs: []string{"federation_status"}, blocks: true,
		where: "u.federation_status NOT IN ('active', 'syncing', 'failed', 'disabled')", hint: "correct it",
	},
	{
		what: "rows are local and have no password", needs: []string{"auth_provider", "password_hash"}, blocks: true,
		where: "u.auth_provider = 'local' AND u.password_hash IS NULL", hint: "set auth_provider to firebase, or give a hash",
	},
	{
		what: "rows have no password", needs: []string{"password_hash"}, lacks: "auth_provider", blocks: true,
		where: "u.password_hash IS NULL", hint: "they would count as local: give each a hash, '!' for one that no password fits",
	},
	{
		what: "rows have an e-mail beyond ASCII", needs: []string{"email"}, where: `u.email ~ '[^\x01-\x7f]'`,
		hint: "they are kept and sign in here as before; Firebase takes no such address",
	},
	{
		what: "rows have an e-mail in a form that no new account may have", needs: []string{"email"},
		where: `u.email !~ '[^\x01-\x7f]' AND ` + canonical + ` !~ ` + plainAddress,
		hint:  "they are kept and sign in here as before; Firebase may refuse such an address, and then they stay here",
	},
	{
		what: "rows have a password hash that is not bcrypt's", needs: []string{"password_hash"},
		where: `u.password_hash <> '!' AND u.password_hash !~ ` + bcryptForm, hint: "no password fits it",
	},
	{
		what: "rows have a balance below zero", needs: []string{"token_balance"}, where: "u.token_balance < 0",
		hint: "they are kept; no debit succeeds until it is paid",
	},
	{
		what: "rows have a user_type, is_active or token_balance of NULL", needs: []string{"user_type", "is_active", "token_balance"},
		where: "u.user_type IS NULL OR u.is_active IS NULL OR u.token_balance IS NULL",
		hint:  "they are kept, and read as user, active and 0",
	},
	{
		what: "rows have a time in the future", needs: []string{"last_login", "created_at", "updated_at"},
		where: "greatest(u.last_login, u.created_at, u.updated_at) > (now() AT TIME ZONE 'UTC') + interval '5 minutes'",
		hint:  "the platform does not write UTC: set DB_LEGACY_TIMEZONE to its zone, such as Asia/Jakarta",
	},
}

func checkRows(ctx context.Context, conn *pgx.Conn, table legacyTable, maxCost int) (obstacles, notes []Obstacle, err error) {
	for _, check := range append(slices.Clone(rowChecks), costCheck(maxCost)) {
		if !check.applies(table) {
			continue
		}
		found, err := check.run(ctx, conn)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("look for odd rows: %w", err)
		case found.Count == 0:
		case check.blocks:
			obstacles = append(obstacles, found)
		default:
			notes = append(notes, found)
		}
	}
	return obstacles, notes, nil
}

func (c rowCheck) applies(table legacyTable) bool {
	missing := func(column string) bool { return !table.has("column", users+"."+column) }
	return !slices.ContainsFunc(c.needs, missing) && (c.lacks == "" || missing(c.lacks))
}

func (c rowCheck) run(ctx context.Context, conn *pgx.Conn) (Obstacle, error) {
	if c.shared != "" {
		return c.runShared(ctx, conn)
	}
	rows, err := conn.Query(ctx, `
		SELECT u.id::text, count(*) OVER () FROM auth.users AS u WHERE `+c.where+`
		ORDER BY u.id LIMIT $1`, maxRows)
	if err != nil {
		return Obstacle{}, err
	}
	found := Obstacle{What: c.what, Hint: c.hint}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id, &found.Count}, func() error {
		found.Rows = append(found.Rows, id)
		return nil
	})
	return found, err
}

func (c rowCheck) runShared(ctx context.Context, conn *pgx.Conn) (Obstacle, error) {
	rows, err := conn.Query(ctx, `
		SELECT value, rows, ids::text[], count(*) OVER (), sum(rows) OVER ()
		FROM (
			SELECT `+c.shared+` AS value, count(*) AS rows, (array_agg(u.id ORDER BY u.id))[1:$1] AS ids
			FROM auth.users AS u WHERE `+c.shared+` IS NOT NULL GROUP BY 1 HAVING count(*) > 1
		) AS groups
		ORDER BY value COLLATE "C" LIMIT $2`, maxGroupRows, maxGroups)
	if err != nil {
		return Obstacle{}, err
	}
	found := Obstacle{What: c.what, Hint: c.hint}
	var group Group
	var groups int
	_, err = pgx.ForEachRow(rows, []any{&group.Value, &group.Count, &group.Rows, &groups, &found.Count}, func() error {
		group.Rows = slices.Clone(group.Rows)
		found.Groups = append(found.Groups, group)
		return nil
	})
	found.MoreGroups = groups - len(found.Groups)
	return found, err
}
