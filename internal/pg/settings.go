package pg

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

type setting struct {
	name, value string
	// tolerable reports a harmless value behind a pooler; nil: all are.
	tolerable func(value string) bool
}

// tracked settings are kept per client by PgBouncer, which refuses a client with others.
var tracked = []setting{
	{"client_encoding", "UTF8", nothing},
	{"DateStyle", "ISO, MDY", nothing},
	{"standard_conforming_strings", "on", nothing},
}

// direct settings are accepted in PostgreSQL's startup message.
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
	// frees a vanished instance's locks
	{"idle_in_transaction_session_timeout", "1min", atLeast(30 * time.Second)},
	{"idle_session_timeout", "0", nil},
	{"row_security", "on", nothing},
	{"synchronous_commit", "on", nil}, // `authd doctor` checks it
}

// late settings depend on version and role.
var late = []setting{
	{"transaction_timeout", "0", atLeast(30 * time.Second)}, // PostgreSQL 17
	{"session_replication_role", "origin", nothing},         // "replica" disables the ledger's triggers
}

func nothing(string) bool { return false }

// atLeast tolerates longer limits; 0 is none.
func atLeast(limit time.Duration) func(string) bool {
	return func(value string) bool {
		d, ok := serverDuration(value)
		return ok && (d == 0 || d >= limit)
	}
}

func serverDuration(value string) (time.Duration, bool) {
	digits := strings.TrimRight(value, "abcdefghijklmnopqrstuvwxyz")
	unit, known := map[string]time.Duration{
		"": time.Millisecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[value[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 32)
	return time.Duration(n) * unit, known && err == nil
}

// builtinFirst reports whether pg_catalog comes first, the default.
func builtinFirst(path string) bool {
	schemas := strings.Split(path, ",")
	at := slices.IndexFunc(schemas, func(schema string) bool { return strings.Trim(schema, ` "`) == "pg_catalog" })
	return at <= 0
}

// SessionSettings override the defaults of role and database. Other drivers need them as connection parameters.
func SessionSettings() map[string]string { return valuesOf(slices.Concat(tracked, direct)) }

func valuesOf(settings []setting) map[string]string {
	values := make(map[string]string, len(settings))
	for _, s := range settings {
		values[s.name] = s.value
	}
	return values
}

func pin(config *pgx.ConnConfig, settings map[string]string) {
	// The server takes the last of two spellings.
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
