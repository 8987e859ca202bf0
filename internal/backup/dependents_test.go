package backup_test

import (
	"testing"

	"auth-v2-service/internal/backup"
)

func TestRestore_NamesWhatNeedsTheSchema(t *testing.T) {
	t.Parallel()
	d := populated(t)
	early, _ := d.create(true)
	for _, statement := range []string{
		"CREATE FUNCTION public.is_admin(u auth.users) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
		"CREATE FUNCTION public.one() RETURNS SETOF auth.users LANGUAGE sql AS 'SELECT * FROM auth.users LIMIT 1'",
		"CREATE TYPE public.pair AS (a auth.users, n int)",
		"CREATE DOMAIN public.person AS auth.users",
		"CREATE TABLE public.notes (id int, who auth.users)",
		"CREATE TABLE public.chats (user_id uuid REFERENCES auth.users)",
		"CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM auth.users",
		"CREATE PUBLICATION news FOR TABLE auth.users",
	} {
		d.exec(statement)
	}
	before := d.rows()
	named := []string{
		"function public.is_admin(auth.users)", "function public.one()", "public.pair", "type public.person", "public.notes.who",
		"constraint chats_user_id_fkey on public.chats", "materialized view public.counted", "auth.users in publication news",
	}
	_, err := backup.Restore(t.Context(), d.options(), early, true)
	tells(t, err, append(named, "not in the backup")...)
	if d.rows() != before {
		t.Error("the database was changed")
	}
	whole, m := d.create(false)
	d.restore(whole)
	_, after := d.create(false)
	if len(m.Dependents) < len(named) || len(after.Dependents) != len(m.Dependents) {
		t.Errorf("after a restore of everything there is %q, expected %q", after.Dependents, m.Dependents)
	}
	d.exec("ALTER TABLE public.notes ADD COLUMN writer uuid REFERENCES auth.users") // a new dependent
	_, err = backup.Restore(t.Context(), d.options(), whole, true)
	tells(t, err, "constraint notes_writer_fkey on public.notes")
}
