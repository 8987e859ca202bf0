package pg

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// setting is a session setting that a role, a database or the server's configuration may default to another value.
type setting struct {
	name, value string
	// tolerable reports whether another value does no harm behind a pooler, which takes the setting from no client. Nil: every value does
	// no harm there.
	tolerable func(value string) bool
}

// tracked are the settings that PgBouncer keeps for each client and accepts in its startup message. Every other one makes it refuse the
// client.
var tracked = []setting{
	{"client_encoding", "UTF8", nothing},
	{"DateStyle", "ISO, MDY", nothing},
	{"standard_conforming_strings", "on", nothing},
}

// direct are the settings that PostgreSQL itself accepts in a startup message.
var direct = []setting{
	// The service's statements name their schemas. The platform's triggers on its table run in these sessions too, and may not.
	{"search_path", `"$user", public`, builtinFirst},
	{"IntervalStyle", "postgres", nil},
	{"bytea_output", "hex", nil},
	{"extra_float_digits", "1", nil},
	{"array_nulls", "on", nil},
	{"quote_all_identifiers", "off", nil},
	{"transform_null_equals", "off", nothing},
	{"default_transaction_isolation", "read committed", nothing},
	{"default_transaction_read_only", "off", nothing},
	{"default_transaction_deferrable", "off", nil},
	{"statement_timeout", "0", atLeast(10 * time.Second)},
	{"lock_timeout", "0", atLeast(time.Second)},
	// No transaction of ours waits so long for its next statement: the locks of an instance that has vanished end with it.
	{"idle_in_transaction_session_timeout", "1min", atLeast(30 * time.Second)},
	{"idle_session_timeout", "0", nil},
	{"row_security", "on", nothing},
	{"synchronous_commit", "on", nil}, // behind a pooler it is the operator's, and `authd doctor` looks at it
}

// late are the settings that not every server knows, or that not every role may set: they are looked at once connected, and set only
// where they are something else.
var late = []setting{
	{"transaction_timeout", "0", atLeast(30 * time.Second)}, // since PostgreSQL 17
	{"session_replication_role", "origin", nothing},         // as "replica" the triggers that keep the ledger do not fire
}

func nothing(string) bool { return false }

// atLeast tolerates a time limit that no statement or transaction of ours reaches; 0 is none.
func atLeast(limit time.Duration) func(string) bool {
	return func(value string) bool {
		d, ok := serverDuration(value)
		return ok && (d == 0 || d >= limit)
	}
}

// serverDuration reads a time as PostgreSQL shows it: a whole number and one unit.
func serverDuration(value string) (time.Duration, bool) {
	digits := strings.TrimRight(value, "abcdefghijklmnopqrstuvwxyz")
	unit, known := map[string]time.Duration{
		"": time.Millisecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[value[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 32)
	return time.Duration(n) * unit, known && err == nil
}

// builtinFirst reports whether the built-in names come first: PostgreSQL looks in pg_catalog first unless the path names it later.
func builtinFirst(path string) bool {
	schemas := strings.Split(path, ",")
	at := slices.IndexFunc(schemas, func(schema string) bool { return strings.Trim(schema, ` "`) == "pg_catalog" })
	return at <= 0
}

// SessionSettings are what each session of the service is set to, whatever its role and its database default to. Connect and Open
// apply them; another driver takes them as parameters of its connection.
func SessionSettings() map[string]string { return valuesOf(slices.Concat(tracked, direct)) }

func valuesOf(settings []setting) map[string]string {
	values := make(map[string]string, len(settings))
	for _, s := range settings {
		values[s.name] = s.value
	}
	return values
}

// pin puts the settings into the startup message of a connection: all of them, or only those that a pooler accepts.
func pin(config *pgx.ConnConfig, settings map[string]string) {
	// The URL may spell a name in other letters: the server would take whichever comes last.
	maps.DeleteFunc(config.RuntimeParams, func(name, _ string) bool {
		for pinned := range settings {
			if strings.EqualFold(name, pinned) {
				return true
			}
		}
		return false
	})
	maps.Copy(config.RuntimeParams, settings)
}
