package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/schema"
)

// minServer is the oldest PostgreSQL that the migrations work on: they write functions in standard SQL.
const minServer = 140_000

// database examines PostgreSQL and who is in it, as the role that serves.
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
	findings = append(findings, in("PostgreSQL", schemaState(ctx, conn))...)
	findings = append(findings, in("people", people(ctx, conn, c)...)...)
	return append(findings, in("clocks", clock("PostgreSQL", before, time.Now(), server.Now, 0))...)
}

// connect sets no time zone, so that the database's own can be seen, and prepares nothing: DATABASE_URL may be a pooler (D6).
func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	parsed, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("DATABASE_URL cannot be read") // the library's error may show the password
	}
	parsed.DefaultQueryExecMode = pgx.QueryExecModeExec
	parsed.ConnectTimeout = 5 * time.Second
	return pgx.ConnectConfig(ctx, parsed)
}

func judgeServer(s schema.Server, c config.Config) []Finding {
	instances := s.MaxConnections / int(c.DBPoolMax+directConnections)
	return []Finding{
		judged("version", s.Number < minServer, Red, s.Version, "upgrade to PostgreSQL 14 or later: the migrations need it"),
		judged("role", s.Rewrites, Yellow, map[bool]string{
			true:  s.Role + " may rewrite the audit, and what else the owner may",
			false: s.Role + " may do what serving needs, and no more",
		}[s.Rewrites], "serve as a login of its own: CREATE ROLE authd LOGIN PASSWORD '...' IN ROLE auth_serving; with MIGRATE_ON_START=check, and the owner's address in DATABASE_OWNER_URL for `authd schema` alone"),
		judged("fsync", !s.Fsync, Red, onOff(s.Fsync), "turn it on: a crash of the machine may leave no database at all"),
		judged("synchronous_commit", !s.Durable, Red, onOff(s.Durable), "turn it on: a crash forgets revocations that were answered"),
		judged("autovacuum", !s.Autovacuum, Yellow, onOff(s.Autovacuum), "turn it on: last_login alone leaves a dead row a sign-in"),
		judged("schema public", s.PublicCreates, Yellow, map[bool]string{
			true: "any role may create functions there", false: "nobody but its owner creates there",
		}[s.PublicCreates], "REVOKE CREATE ON SCHEMA public FROM public: else any role's functions can pass for the server's own"),
		judged("time zone", s.TimeZone != c.LegacyTimezone && !bothUTC(s.TimeZone, c.LegacyTimezone), Yellow,
			fmt.Sprintf("the database's is %s, DB_LEGACY_TIMEZONE is %s", s.TimeZone, c.LegacyTimezone),
			"set DB_LEGACY_TIMEZONE to the zone in which the platform's services write times, unless they set their own"),
		connections(s, c, instances),
	}
}

// directConnections is what an instance has beside its pool at most.
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
