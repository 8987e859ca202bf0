package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/schema"
)

func people(ctx context.Context, conn *pgx.Conn, c config.Config) []Finding {
	findings := oddRows(ctx, c)
	hashes, err := schema.ExamineHashes(ctx, conn)
	if err != nil {
		return append(findings, unchecked("password hashes", "the rows could not be read: %v", err))
	}
	findings = append(findings, judgeHashes(hashes, c.BcryptMaxCost))
	stuck, err := schema.ExamineMoves(ctx, conn)
	if err != nil {
		return append(findings, unchecked("moves", "the schema is not migrated so far: %v", err))
	}
	return append(findings, judgeMoves(stuck))
}

func oddRows(ctx context.Context, c config.Config) []Finding {
	const check = "rows"
	survey, err := schema.Look(ctx, schema.Options{DatabaseURL: c.DatabaseDirectURL, MaxHashCost: c.BcryptMaxCost})
	switch {
	case errors.Is(err, schema.ErrNothingToAdopt):
		return []Finding{red(check, "run `authd schema migrate`", "there is no table of people")}
	case err != nil:
		return []Finding{unchecked(check, "they could not be read: %v", err)}
	}
	var findings []Finding
	for _, obstacle := range survey.Obstacles {
		findings = append(findings, red(check, obstacle.Hint, "%s; `authd schema adopt --dry-run` lists them", counted(obstacle)))
	}
	for _, note := range survey.Notes {
		findings = append(findings, Finding{Check: check, Level: Yellow, Found: counted(note), Advice: note.Hint + "; `authd schema adopt --dry-run` lists them"})
	}
	if len(findings) == 0 {
		return []Finding{green(check, "%d people: no two share an e-mail or a username, and none is odd", survey.People)}
	}
	return findings
}

func counted(o schema.Obstacle) string {
	if o.Count == 0 {
		return o.What
	}
	return fmt.Sprintf("%d %s", o.Count, o.What)
}

// Costs of bcrypt: new hashes have minCost. Up to usualCost, sign-ins share places.
const minCost, usualCost = 10, 12

func judgeHashes(hashes []schema.HashKind, maxCost int) Finding {
	const check = "password hashes"
	var kinds []string
	var unknown, tooCostly, weak, heavy int64
	for _, h := range hashes {
		switch h.Kind {
		case "mark":
			kinds = append(kinds, fmt.Sprintf("%d that no password fits", h.People))
			continue
		case "unknown":
			kinds = append(kinds, fmt.Sprintf("%d that are not bcrypt's", h.People))
			unknown += h.People
			continue
		}
		kinds = append(kinds, fmt.Sprintf("%d of $%s$ with cost %d", h.People, h.Kind, h.Cost))
		switch {
		case h.Cost > maxCost:
			tooCostly += h.People
		case h.Cost > usualCost:
			heavy += h.People
		case h.Cost < minCost:
			weak += h.People
		}
	}
	f := green(check, "%s", orNone(kinds))
	switch {
	case unknown > 0:
		f.Level, f.Advice = Red, "no password fits those that are not bcrypt's: have these people reset their passwords, or correct the column"
	case tooCostly > 0:
		f.Level, f.Advice = Red, fmt.Sprintf("no sign-in checks the %d of a cost above %d: have these people reset their passwords, "+
			"or raise BCRYPT_MAX_COST", tooCostly, maxCost)
	case weak > 0:
		f.Level, f.Advice = Yellow, "a cost under 10 is quickly tried out by an attacker who has the table: it rises as people change their passwords"
	case heavy > 0:
		f.Level, f.Advice = Yellow, fmt.Sprintf("%d have a cost above %d: each refused sign-in takes as much work as the highest of them", heavy, usualCost)
	}
	return f
}

func judgeMoves(stuck []schema.Stuck) Finding {
	const check = "moves"
	var reasons []string
	for _, s := range stuck {
		reasons = append(reasons, fmt.Sprintf("%d by %s", s.People, s.Reason))
	}
	if len(reasons) == 0 {
		return green(check, "nothing has stopped one")
	}
	return Finding{
		Check: check, Level: Yellow, Found: "stopped: " + strings.Join(reasons, ", "),
		Advice: "these people sign in here as before; resolve the conflict or reset the password, and they are tried again when they sign in an hour later",
	}
}
