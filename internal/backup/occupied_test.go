package backup_test

import (
	"context"
	"testing"
	"time"

	"auth-v2-service/internal/backup"
)

// shop is a database that another service uses too, with a backup of the whole of it from when there was nobody in it yet.
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

// That nobody has registered does not mean that nothing is lost: other services' rows are written over only on purpose.
func TestRestore_RefusesToWriteOverOtherServices(t *testing.T) {
	t.Parallel()
	d, whole := shop(t)
	_, err := backup.Restore(t.Context(), d.options(), whole, false)
	tells(t, err, "public.orders of", "--replace", "--whole-database")
	d.exec("DROP SCHEMA auth CASCADE") // not even where there is no schema auth at all
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
	if _, err := backup.Restore(t.Context(), d.options(), whole, false); err != nil { // over empty tables
		t.Errorf("empty tables are refused: %v", err)
	}
}

// Looked at again under the locks: rows that came after the first look are found inside the transaction.
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

// A backup of the whole database gives up within moments, too, where another service's transaction goes on.
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
