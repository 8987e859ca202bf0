package backup_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/backup"
)

func TestVerify_TellsEveryCorruption(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	d.verify(path)
	d.people(10)
	other, _ := d.create(true)
	before := d.rows()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		words []string
	}{
		"a flipped byte": {func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}, []string{"SHA-256"}},
		"cut":   {func(t *testing.T, path string) { change(t, path, func(b []byte) []byte { return b[:len(b)-100] }) }, []string{"bytes", "cut"}},
		"empty": {func(t *testing.T, path string) { change(t, path, func([]byte) []byte { return nil }) }, []string{"it has 0 bytes"}},
		"no dump": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, []string{"no such file"}},
		"no manifest": {func(t *testing.T, path string) {
			if err := os.Remove(backup.ManifestPath(path)); err != nil {
				t.Fatal(err)
			}
		}, []string{"no manifest"}},
		"an edited manifest": {func(t *testing.T, path string) {
			change(t, backup.ManifestPath(path), func(b []byte) []byte { return bytes.Replace(b, []byte(`"rows": 500`), []byte(`"rows": 501`), 1) })
		}, []string{"manifest was changed"}},
		"half a manifest": {func(t *testing.T, path string) {
			change(t, backup.ManifestPath(path), func(b []byte) []byte { return b[:len(b)/2] })
		}, []string{"manifest cannot be read"}},
		"another's manifest": {func(t *testing.T, path string) {
			copyFile(t, backup.ManifestPath(other), backup.ManifestPath(path))
		}, []string{"manifest"}},
		"a manifest of a later format": {func(t *testing.T, path string) {
			reseal(t, path, func(m *backup.Manifest) { m.Format++ })
		}, []string{"format 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir() + "/copy.dump"
			copyFile(t, path, copied)
			copyFile(t, backup.ManifestPath(path), backup.ManifestPath(copied))
			c.spoil(t, copied)
			_, err := backup.Verify(t.Context(), d.options(), copied)
			tells(t, err, append(c.words, copied)...)
			_, err = backup.Restore(t.Context(), d.options(), copied, true)
			tells(t, err, c.words...)
		})
	}
	if d.rows() != before {
		t.Error("a refused restore has changed the database")
	}
}

func TestVerify_TellsADumpThatHoldsSomethingElse(t *testing.T) {
	t.Parallel()
	d := populated(t)
	for name, c := range map[string]struct {
		spoil func(m *backup.Manifest)
		words []string
	}{
		"fewer rows":     {func(m *backup.Manifest) { users(m).Rows++ }, []string{"auth.users has 500 rows, and the manifest says 501"}},
		"other rows":     {func(m *backup.Manifest) { users(m).Checksum = "1:2" }, []string{"auth.users holds other rows"}},
		"a table less":   {func(m *backup.Manifest) { users(m).Name = "auth.gone" }, []string{"auth.gone is missing", "auth.users is not in the manifest"}},
		"other objects":  {func(m *backup.Manifest) { m.Fingerprint, m.FingerprintWithoutGrants = "a", "b" }, []string{"fingerprint"}},
		"other versions": {func(m *backup.Manifest) { m.Migrations = m.Migrations[1:] }, []string{"migrations"}},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := d.create(true)
			reseal(t, path, c.spoil)
			_, err := backup.Verify(t.Context(), d.options(), path)
			tells(t, err, c.words...)
			if m, err := backup.ReadManifest(path); err != nil || m.VerifiedAt != nil {
				t.Errorf("the manifest says verified at %v (%v)", m.VerifiedAt, err)
			}
		})
	}
}

func TestRestore_ChangesNothingWhenTheDumpIsBroken(t *testing.T) {
	t.Parallel()
	d := populated(t)
	d.people(3_000)
	before := d.rows()
	for name, spoil := range map[string]func([]byte) []byte{
		"no archive":        func(b []byte) []byte { return []byte(strings.Repeat("not a dump ", len(b)/11)) },
		"cut in its middle": func(b []byte) []byte { return b[:len(b)/2] },
		"spoilt rows":       func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b },
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := d.create(true)
			change(t, path, spoil)
			reseal(t, path, func(m *backup.Manifest) {
				var err error
				if m.Size, m.SHA256, err = backup.Digest(path); err != nil {
					t.Fatal(err)
				}
			})
			_, err := backup.Verify(t.Context(), d.options(), path)
			tells(t, err)
			_, err = backup.Restore(t.Context(), d.options(), path, true)
			tells(t, err)
			if d.rows() != before {
				t.Error("the database was changed")
			}
		})
	}
}

func TestRestore_CommitsOnlyWhatTheManifestSays(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	d.people(5)
	before := d.rows()
	reseal(t, path, func(m *backup.Manifest) { users(m).Checksum = "1:2" })
	_, err := backup.Restore(t.Context(), d.options(), path, true)
	tells(t, err, "left as it is", "auth.users", "the manifest says")
	if d.rows() != before {
		t.Error("the database was changed")
	}
}

func TestRestore_RefusesWhatWouldBeLost(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	whole, _ := d.create(false)
	before := d.rows()
	_, err := backup.Restore(t.Context(), d.options(), path, false)
	tells(t, err, "500 people", "--replace")
	d.exec("CREATE TABLE public.chats (user_id uuid REFERENCES auth.users)")
	d.exec("CREATE VIEW public.addresses AS SELECT email FROM auth.users")
	for _, backupOf := range []string{path, whole} {
		_, err = backup.Restore(t.Context(), d.options(), backupOf, true)
		tells(t, err, "table constraint chats_user_id_fkey on public.chats, view public.addresses")
	}
	if d.rows() != before {
		t.Error("the database was changed")
	}
	d.exec("DROP VIEW public.addresses")
	d.exec("INSERT INTO public.chats SELECT id FROM auth.users LIMIT 3")
	later, _ := d.create(false) // holds the table
	d.verify(later)
	d.exec("DELETE FROM public.chats")
	d.restore(later)
	if found := d.lines("SELECT count(*)::text FROM public.chats JOIN auth.users ON id = user_id"); found != "3" {
		t.Errorf("%s chats have their person, expected 3", found)
	}
	if keys := d.lines("SELECT count(*)::text FROM pg_constraint WHERE conrelid = 'public.chats'::regclass AND contype = 'f'"); keys != "1" {
		t.Errorf("%s foreign keys, expected 1", keys)
	}
}

func TestRestore_DoesNotQueueBehindALongTransaction(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	tx, err := d.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(background(t)) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM auth.users"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = backup.Restore(t.Context(), d.options(), path, true)
	tells(t, err, "lock timeout")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func users(m *backup.Manifest) *backup.Table {
	for i := range m.Tables {
		if m.Tables[i].Name == "auth.users" {
			return &m.Tables[i]
		}
	}
	return nil
}

func reseal(t *testing.T, path string, edit func(*backup.Manifest)) {
	t.Helper()
	m, err := backup.ReadManifest(path)
	if err != nil {
		t.Fatal(err)
	}
	edit(&m)
	if err := m.Write(path); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
