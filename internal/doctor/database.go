package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

// minServer is 14: the migrations write functions in standard SQL.
const minServer = 140_000

func database(ctx context.Context, c config.Config) []Finding {
	const reach = "is the server up, and DATABASE_URL right?"
	conn, err := connect(ctx, c.DatabaseURL)
	if err != nil {
		return in("PostgreSQL", red("connection", reach, "the database cannot be reached: %v", err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	before := time.Now()
	server, err := schema.ExamineServer(ctx, conn)
	if err != nil {
		return in("PostgreSQL", red("connection", reach, "%v", err))
	}
	findings := in("PostgreSQL", judgeServer(server, c)...)
	findings = append(findings, in("PostgreSQL", session(ctx, c))...)
	findings = append(findings, in("PostgreSQL", schemaState(ctx, conn))...)
	findings = append(findings, in("project", tokens(ctx, conn))...)
	findings = append(findings, in("people", people(ctx, conn, c)...)...)
	return append(findings, in("clocks", clock("PostgreSQL", before, time.Now(), server.Now, 0))...)
}

// connect keeps the server's own settings visible. DATABASE_URL may be a pooler (D6) or a standby.
func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	return pg.Connect(ctx, pg.SessionOptions{
		URL: address, Name: "authd doctor", Timeout: 5 * time.Second, ExecMode: pgx.QueryExecModeExec,
		Pooler: true, ReadOnly: true, AnyEncoding: true,
	})
}

func session(ctx context.Context, c config.Config) Finding {
	const check = "session"
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	pool, err := pg.Open(ctx, pg.Options{URL: c.DatabaseURL, MaxConns: 1, LegacyTimezone: c.LegacyTimezone, Pooled: c.BehindPooler()})
	if err == nil {
		defer pool.Close()
		err = pool.Ping(ctx)
	}
	if err == nil {
		return judged(check, false, Red, "it takes writes, and its settings are those of this service", "")
	}
	advice := "name the primary in DATABASE_URL, or all servers (postgres://user@one:5432,two:5432/name): the one that takes writes is taken"
	if unfit := (*pg.UnfitError)(nil); errors.As(err, &unfit) {
		advice = unfit.Advice
	}
	return red(check, advice, "the service cannot use it: %v", err)
}

func tokens(ctx context.Context, conn *pgx.Conn) Finding {
	const check = "tokens"
	action, at, err := schema.ExamineTokens(ctx, conn)
	switch {
	case err != nil:
		return unchecked(check, "the schema is not migrated so far: %v", err)
	case action == schema.TokensForeign:
		return red(check, "set FIREBASE_PROJECT_ID and FIREBASE_TENANT to those of the clients' Firebase configuration, and restart",
			"since %s clients have sent tokens of another project or tenant, and none that fits", at.UTC().Format(time.DateTime+" UTC"))
	case action == schema.TokensFitting:
		return green(check, "clients' tokens fit the project again since %s", at.UTC().Format(time.DateTime+" UTC"))
	}
	return green(check, "no instance has met only tokens of another project")
}

func judgeServer(s schema.Server, c config.Config) []Finding {
	instances := s.MaxConnections / int(c.DBPoolMax+directConnections)
	return []Finding{
		judged("version", s.Number < minServer, Red, s.Version, "upgrade to PostgreSQL 14 or later: the migrations need it"),
		judged("role", s.Rewrites, Yellow, map[bool]string{
			true:  s.Role + " may rewrite the audit, and what else the owner may",
			false: s.Role + " may do what serving needs, and no more",
		}[s.Rewrites], "serve as a login of its own: CREATE ROLE authd LOGIN PASSWORD '...' IN ROLE auth_serving; with MIGRATE_ON_START=check, and the owner's address in DATABASE_OWNER_URL for `authd schema` alone"),
		judged("encoding", s.Encoding != "UTF8", Red, s.Encoding, "create the database with ENCODING 'UTF8' and move the data there"),
		judged("fsync", !s.Fsync, Red, onOff(s.Fsync), "turn it on: a crash of the machine may leave no database at all"),
		durability(s, c),
		judged("autovacuum", !s.Autovacuum, Yellow, onOff(s.Autovacuum), "turn it on: last_login alone leaves a dead row a sign-in"),
		judged("schema public", s.PublicCreates, Yellow, map[bool]string{
			true: "any role may create functions there", false: "only its owner creates there",
		}[s.PublicCreates], "REVOKE CREATE ON SCHEMA public FROM public: else any role's functions can pass for the server's own"),
		judged("time zone", s.TimeZone != c.LegacyTimezone && !bothUTC(s.TimeZone, c.LegacyTimezone), Yellow,
			fmt.Sprintf("the database's is %s, DB_LEGACY_TIMEZONE is %s", s.TimeZone, c.LegacyTimezone),
			"set DB_LEGACY_TIMEZONE to the zone in which the platform's services write times, unless they set their own"),
		connections(s, c, instances),
	}
}

// Behind a pooler, no client can set synchronous_commit.
func durability(s schema.Server, c config.Config) Finding {
	const check = "synchronous_commit"
	if c.BehindPooler() {
		return judged(check, !s.Durable, Red, onOff(s.Durable), "turn it on: a crash forgets revocations that were answered")
	}
	return judged(check, !s.Durable, Yellow, onOff(s.Durable),
		"turn it on: this service does so for its own sessions, but a crash forgets what other writers were told is written")
}

// directConnections is an instance's maximum outside its pool.
const directConnections = 3

func connections(s schema.Server, c config.Config, instances int) Finding {
	const check = "connections"
	if c.BehindPooler() {
		return unchecked(check, "a pooler is in front of the server, whose own limits count")
	}
	f := judged(check, instances < 2, Yellow, fmt.Sprintf("the server takes %d: enough for %d instances of DB_POOL_MAX=%d", s.MaxConnections, instances, c.DBPoolMax),
		"raise max_connections or lower DB_POOL_MAX: while a new instance starts, the old one still has its own")
	if instances < 1 {
		f.Level = Red
	}
	return f
}

func bothUTC(one, other string) bool { return isUTC(one) && isUTC(other) }

func isUTC(zone string) bool {
	switch strings.TrimPrefix(zone, "Etc/") {
	case "UTC", "UCT", "Universal", "Zulu", "GMT":
		return true
	}
	return false
}

func schemaState(ctx context.Context, conn *pgx.Conn) Finding {
	const check, advice = "schema", "`authd schema validate` names every difference, and `authd schema migrate` (as the owner) applies what is pending"
	report, err := schema.Validate(ctx, conn)
	switch {
	case err != nil:
		return red(check, "let this role look: GRANT USAGE ON SCHEMA auth and SELECT ON auth.schema_migrations, or be a member of auth_serving", "it cannot be read: %v", err)
	case !report.Serves():
		return red(check, advice, "%s", report.Summary())
	}
	return judged(check, report.State != schema.InStep, Yellow, report.Summary(), advice)
}
