package backup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/backup"
)

func TestRestore_ATableOfAnyNameRunsNothing(t *testing.T) {
	t.Parallel()
	d := populated(t)
	mark := filepath.Join(t.TempDir(), "pwned")
	for _, name := range []string{
		"x$check$y", "x$check$\t`touch " + mark + "`", "x$check$\n\\! touch " + mark, "x'\\! touch " + mark, ":{?HOME}", "$extend$", "$clear$",
	} {
		d.exec(`CREATE TABLE public."` + name + `" (id int)`)
		d.exec(`INSERT INTO public."` + name + `" VALUES (7)`)
	}
	path, _ := d.create(false)
	d.verify(path)
	d.exec(`DELETE FROM public."x$check$y"`)
	d.restore(path)
	if _, err := os.Stat(mark); err == nil {
		t.Error("a table's name ran a command")
	}
	if found := d.lines(`SELECT id::text FROM public."x$check$y"`); found != "7" {
		t.Errorf("the table holds %q, expected 7", found)
	}
}

func TestReadManifest_RefusesAnExtensionThatIsNoName(t *testing.T) {
	t.Parallel()
	d := populated(t)
	mark := filepath.Join(t.TempDir(), "pwned")
	for _, odd := range []backup.Extension{
		{Name: `\! touch ` + mark, Schema: "public"},
		{Name: "uuid-ossp", Schema: "public;\n\\! touch " + mark},
		{Schema: "public"},
		{Name: "uuid-ossp", Schema: "`touch " + mark + "`"},
		{Name: strings.Repeat("x", 64), Schema: "public"},
		{Name: "uuid-ossp"},
	} {
		path, _ := d.create(true)
		reseal(t, path, func(m *backup.Manifest) { m.Extensions = append(m.Extensions, odd) })
		_, err := backup.Verify(t.Context(), d.options(), path)
		tells(t, err, "its manifest cannot be used")
		_, err = backup.Restore(t.Context(), d.options(), path, true)
		tells(t, err, "its manifest cannot be used")
	}
	path, m := d.create(true)
	if !slices.Equal(m.Extensions, []backup.Extension{{Name: "plpgsql", Schema: "pg_catalog"}, {Name: "uuid-ossp", Schema: "public"}}) {
		t.Errorf("the schema auth uses %v", m.Extensions)
	}
	change(t, backup.ManifestPath(path), func(b []byte) []byte {
		return []byte(strings.Replace(string(b), `"format": 2`, `"format": 1`, 1))
	})
	_, err := backup.ReadManifest(path)
	tells(t, err, "format 1")
	if _, err := os.Stat(mark); err == nil {
		t.Error("a manifest ran a command")
	}
}
