package backup_test

import (
	"context"
	"testing"
	"time"

	"auth-v2-service/internal/backup"
)

// shop shares its database; whole holds no rows.
func shop(t *testing.T) (d database, whole string) {
	t.Helper()
	d = populated(t)
	d.exec("CREATE TABLE public.orders (id int PRIMARY KEY)")
	d.exec("CREATE TABLE public.\"Empty One\" (id int)")
	d.exec("DELETE FROM auth.audit_events; DELETE FROM auth.users")
	whole, _ = d.create(false)
	d.exec("INSERT INTO public.orders SELECT generate_series(1, 1000)")
	return d, whole
}

func (d database) orders() string { return d.lines("SELECT count(*)::text FROM public.orders") }

func TestRestore_RefusesToWriteOverOtherServices(t *testing.T) {
	t.Parallel()
	d, whole := shop(t)
	_, err := backup.Restore(t.Context(), d.options(), whole, false)
	tells(t, err, "public.orders of", "--replace", "--whole-database")
	d.exec("DROP SCHEMA auth CASCADE")
	_, err = backup.Restore(t.Context(), d.options(), whole, false)
	tells(t, err, "public.orders of", "--replace")
	if found := d.orders(); found != "1000" {
		t.Errorf("%s orders, expected 1000", found)
	}
	if _, err := backup.Restore(t.Context(), d.options(), whole, true); err != nil {
		t.Fatal(err)
	}
	if found := d.orders(); found != "0" {
		t.Errorf("%s orders, expected those of the backup", found)
	}
	if _, err := backup.Restore(t.Context(), d.options(), whole, false); err != nil {
		t.Errorf("empty tables are refused: %v", err)
	}
}

func TestRestore_FindsRowsThatCameLate(t *testing.T) {
	t.Parallel()
	d, whole := shop(t)
	script, err := backup.Clearing(whole, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Exec(t.Context(), script)
	if err == nil {
		t.Fatal("the tables were cleared")
	}
	says(t, err, "public.orders has rows now")
	d.exec("DELETE FROM public.orders")
	d.people(1)
	_, err = d.Exec(t.Context(), script)
	if err == nil {
		t.Fatal("the schema was dropped")
	}
	says(t, err, "auth.users has rows now")
}

func TestRestore_OfAllDoesNotQueueBehindALongTransaction(t *testing.T) {
	t.Parallel()
	d, whole := shop(t)
	tx, err := d.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(background(t)) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM public.orders"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = backup.Restore(ctx, d.options(), whole, true)
	tells(t, err, "lock timeout")
	if found := d.orders(); found != "1000" {
		t.Errorf("%s orders, expected 1000", found)
	}
}
