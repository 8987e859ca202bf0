package pg

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// setting is a session setting with a default outside the service's control.
type setting struct {
	name, value string
	// tolerable reports whether another value is harmless behind a pooler. Nil: every value is.
	tolerable func(value string) bool
}

// tracked settings are kept by PgBouncer per client. Any other one makes it refuse the client.
var tracked = []setting{
	{"client_encoding", "UTF8", nothing},
	{"DateStyle", "ISO, MDY", nothing},
	{"standard_conforming_strings", "on", nothing},
}

// direct settings are accepted by PostgreSQL in a startup message.
var direct = []setting{
	// The platform's triggers may use unqualified names.
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
	// It frees the locks of a vanished instance.
	{"idle_in_transaction_session_timeout", "1min", atLeast(30 * time.Second)},
	{"idle_session_timeout", "0", nil},
	{"row_security", "on", nothing},
	{"synchronous_commit", "on", nil}, // `authd doctor` checks it behind a pooler
}

// late settings depend on version or role. They are set after connecting, where they differ.
var late = []setting{
	{"transaction_timeout", "0", atLeast(30 * time.Second)}, // since PostgreSQL 17
	{"session_replication_role", "origin", nothing},         // "replica" would disable the ledger's triggers
}

func nothing(string) bool { return false }

// atLeast tolerates a time limit beyond the service's own; 0 is none.
func atLeast(limit time.Duration) func(string) bool {
	return func(value string) bool {
		d, ok := serverDuration(value)
		return ok && (d == 0 || d >= limit)
	}
}

// serverDuration parses PostgreSQL's form: a number and one unit.
func serverDuration(value string) (time.Duration, bool) {
	digits := strings.TrimRight(value, "abcdefghijklmnopqrstuvwxyz")
	unit, known := map[string]time.Duration{
		"": time.Millisecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[value[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 32)
	return time.Duration(n) * unit, known && err == nil
}

// builtinFirst reports whether pg_catalog comes first, as it does unless the path names it later.
func builtinFirst(path string) bool {
	schemas := strings.Split(path, ",")
	at := slices.IndexFunc(schemas, func(schema string) bool { return strings.Trim(schema, ` "`) == "pg_catalog" })
	return at <= 0
}

// SessionSettings returns every session's settings, over the defaults of role and database. Connect and Open apply them; another driver
// takes them as connection parameters.
func SessionSettings() map[string]string { return valuesOf(slices.Concat(tracked, direct)) }

func valuesOf(settings []setting) map[string]string {
	values := make(map[string]string, len(settings))
	for _, s := range settings {
		values[s.name] = s.value
	}
	return values
}

func pin(config *pgx.ConnConfig, settings map[string]string) {
	// Of two spellings the server would take the last.
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
