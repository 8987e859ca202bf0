package pg_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/pgtest"
)

var odd = []struct{ name, value, want string }{
	{"client_encoding", "LATIN1", "UTF8"},
	{"search_path", "public, pg_catalog", `"$user", public`},
	{"DateStyle", "SQL, DMY", "ISO, MDY"},
	{"IntervalStyle", "iso_8601", "postgres"},
	{"TimeZone", "Asia/Jakarta", "UTC"},
	{"standard_conforming_strings", "off", "on"},
	{"bytea_output", "escape", "hex"},
	{"extra_float_digits", "-5", "1"},
	{"array_nulls", "off", "on"},
	{"quote_all_identifiers", "on", "off"},
	{"transform_null_equals", "on", "off"},
	{"default_transaction_isolation", "serializable", "read committed"},
	{"default_transaction_read_only", "on", "off"},
	{"default_transaction_deferrable", "on", "off"},
	{"statement_timeout", "5000", "0"},
	{"lock_timeout", "500", "0"},
	{"idle_in_transaction_session_timeout", "5000", "1min"},
	{"idle_session_timeout", "60000", "0"},
	{"row_security", "off", "on"},
	{"synchronous_commit", "local", "on"},
}

func defaultTo(t *testing.T, admin *pgx.Conn, name, value string) {
	t.Helper()
	quoted := "'" + value + "'"
	if name == "search_path" {
		quoted = value
	}
	if _, err := admin.Exec(t.Context(), fmt.Sprintf("ALTER DATABASE %s SET %s = %s", database(t, admin), name, quoted)); err != nil {
		t.Fatalf("default %s to %s: %v", name, value, err)
	}
}

func admin(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestSession_SettingsArePinned(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	at := admin(t, address)
	for _, o := range odd {
		defaultTo(t, at, o.name, o.value)
	}
	spelled := address + "&datestyle=German&STATEMENT_TIMEOUT=7000&timezone=Asia%2FTokyo" // the URL cannot override either
	pool := open(t, pg.Options{URL: spelled})
	single, err := pg.Connect(t.Context(), pg.SessionOptions{URL: spelled, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = single.Close(context.Background()) })
	// Despite Pooled, the server itself answers.
	loose := open(t, pg.Options{URL: spelled, Pooled: true})
	for what, db := range map[string]interface {
		QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	}{"the pool": pool, "a single session": single, "a pool that allows for a pooler": loose} {
		for _, o := range odd {
			if o.name == "TimeZone" && what == "a single session" {
				continue
			}
			var got string
			if err := db.QueryRow(t.Context(), "SELECT current_setting($1)", o.name).Scan(&got); err != nil || got != o.want {
				t.Errorf("%s has %s = %q (%v), expected %q", what, o.name, got, err, o.want)
			}
		}
		var text string
		if err := db.QueryRow(t.Context(), "SELECT $1::text || chr(8364)", "José").Scan(&text); err != nil || text != "José€" {
			t.Errorf("%s reads %q (%v), expected José€", what, text, err)
		}
	}
}

func TestSession_WhatAPoolerCannotSetIsRefusedByName(t *testing.T) {
	t.Parallel()
	refused := map[string]bool{
		"search_path": true, "transform_null_equals": true, "default_transaction_isolation": true,
		"statement_timeout": true, "lock_timeout": true, "idle_in_transaction_session_timeout": true, "row_security": true,
	}
	address := pgtest.Empty(t)
	at := admin(t, address)
	pooler := pgbouncer.New(t, address, pgbouncer.Settings{"server_lifetime": "3600"})
	harmless := []struct{ name, value, want string }{
		{"statement_timeout", "30s", ""}, {"lock_timeout", "5s", ""}, {"idle_in_transaction_session_timeout", "60s", ""}, {"search_path", "auth, public", ""},
	}
	for _, o := range append(odd, harmless...) {
		defaultTo(t, at, o.name, o.value)
		pooler.Reconnect(t)
		pool := open(t, pg.Options{URL: pooler.URL(), Pooled: true})
		_, err := pool.Exec(t.Context(), "SELECT 1")
		switch {
		case o.name == "default_transaction_read_only":
			if !errors.Is(err, pg.ErrReadOnly) || !pg.Outage(err) {
				t.Errorf("%s = %s through a pooler: %v, expected ErrReadOnly", o.name, o.value, err)
			}
		case refused[o.name] && o.want != "":
			var unfit *pg.UnfitError
			if !errors.As(err, &unfit) || unfit.Setting != o.name || !pg.Unfit(err) || !pg.Outage(err) {
				t.Errorf("%s = %s through a pooler: %v, expected a refusal that names it", o.name, o.value, err)
			}
		case err != nil:
			t.Errorf("%s = %s through a pooler: %v, expected it to do no harm", o.name, o.value, err)
		}
		pool.Close()
		if _, err := at.Exec(t.Context(), fmt.Sprintf("ALTER DATABASE %s RESET ALL", database(t, at))); err != nil {
			t.Fatal(err)
		}
	}
}

func database(t *testing.T, at *pgx.Conn) string {
	t.Helper()
	var name string
	if err := at.QueryRow(t.Context(), "SELECT quote_ident(current_database())").Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSession_OtherEncodingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		address := otherEncoding(t, encoding)
		for _, o := range []pg.Options{{URL: address}, {URL: pgbouncer.New(t, address, nil).URL(), Pooled: true}} {
			pool := open(t, o)
			_, err := pool.Exec(t.Context(), "SELECT 1")
			if !pg.Unfit(err) || !strings.Contains(err.Error(), `server_encoding is "`+encoding+`"`) {
				t.Errorf("%s, pooled %t: %v, expected a refusal that names the encoding", encoding, o.Pooled, err)
			}
		}
		if _, err := pg.Connect(t.Context(), pg.SessionOptions{URL: address, Name: "test"}); !pg.Unfit(err) {
			t.Errorf("a single session in %s: %v, expected a refusal", encoding, err)
		}
		conn, err := pg.Connect(t.Context(), pg.SessionOptions{URL: address, Name: "test", AnyEncoding: true})
		if err != nil {
			t.Errorf("a backup of %s: %v", encoding, err)
			continue
		}
		_ = conn.Close(t.Context())
	}
}

func otherEncoding(t *testing.T, encoding string) string {
	t.Helper()
	address := pgtest.Empty(t)
	at := admin(t, address)
	name := "enc_" + strings.ToLower(encoding) + fmt.Sprint(time.Now().UnixNano())
	if _, err := at.Exec(t.Context(), fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LOCALE 'C'", name, encoding)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := at.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
