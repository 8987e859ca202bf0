package backup_test

import (
	"path/filepath"
	"strings"
	"testing"

	"auth-v2-service/internal/backup"
)

// stranger makes a check that abuses the evaluating role's rights.
func stranger(t *testing.T, d database) string {
	t.Helper()
	role := "stranger_" + d.lines("SELECT pg_backend_pid()::text")
	d.exec("CREATE ROLE " + role)
	d.exec("DO $$BEGIN EXECUTE format('GRANT %I TO %I', '" + role + "', current_user); END$$")
	t.Cleanup(func() {
		if _, err := d.Exec(background(t), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	d.exec("GRANT CREATE ON SCHEMA public TO " + role)
	d.exec("SET ROLE " + role + `;
		CREATE FUNCTION public.harmless(int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
			IF current_user <> '` + role + `' THEN ALTER ROLE ` + role + ` CONNECTION LIMIT 7; END IF;
			RETURN true;
		END$$;
		CREATE TABLE public.bait (id int CHECK (public.harmless(id)));
		INSERT INTO public.bait VALUES (1);
		RESET ROLE`)
	return role
}

func TestVerify_RunsNoStrangersCode(t *testing.T) {
	t.Parallel()
	d := populated(t)
	role := stranger(t, d)
	path, _ := d.create(false)
	for _, named := range []string{"", d.url} {
		o := d.options()
		o.VerifyURL = named
		_, err := backup.Verify(t.Context(), o, path)
		cannotSay(t, err, role, "public.harmless(integer)", "and 1 more", "BACKUP_VERIFY_URL")
	}
	if limit := d.lines("SELECT rolconnlimit::text FROM pg_roles WHERE rolname = $1", role); limit != "-1" {
		t.Error("a stranger's check was run by the role of the backup")
	}
	alone, _ := d.create(true)
	if m := d.verify(alone); m.VerifiedAt == nil {
		t.Error("the schema auth alone is not verified")
	}
}

func TestVerify_TrustsAServerOfItsOwn(t *testing.T) {
	t.Parallel()
	d := populated(t)
	stranger(t, d)
	path, _ := d.create(false)
	reseal(t, path, func(m *backup.Manifest) { m.SystemIdentifier = "7" })
	_, err := backup.Verify(t.Context(), d.options(), path)
	cannotSay(t, err, "BACKUP_VERIFY_URL")
	o := d.options()
	o.VerifyURL = d.url
	if m, err := backup.Verify(t.Context(), o, path); err != nil || m.VerifiedAt == nil {
		t.Errorf("verified at %v (%v)", m.VerifiedAt, err)
	}
}

func TestReadManifest_NoSuchFile(t *testing.T) {
	t.Parallel()
	_, err := backup.ReadManifest(filepath.Join(t.TempDir(), "nosuch.dump"))
	if err == nil || backup.Told(err) || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("got %v, expected that there is no such file", err)
	}
}
