package schema_test

import (
	"slices"
	"strings"
	"testing"

	migrations "auth-v2-service/db"
	"auth-v2-service/internal/schema"
)

func TestMigrations_DownsDeclareWhatTheyTakeOut_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	for _, name := range slices.Backward(schema.Files()) {
		text, err := migrations.Migrations.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, down, _ := strings.Cut(string(text), "-- migrate:down")
		lost := d.lossesOf(func() error { return d.downTo("") })
		for _, kept := range schema.Keeps(down) {
			if !slices.Contains(lost, kept) && kept != "auth.users.password_hash" { // its NOT NULL returns
				t.Errorf("%s keeps %s, which it does not take out", name, kept)
			}
		}
		for _, dropped := range schema.MayDrop(down) {
			if !slices.Contains(lost, dropped) {
				t.Errorf("%s may drop %s, which it does not drop", name, dropped)
			}
		}
		if line, _, _ := strings.Cut(down, "\n"); strings.Contains(line, "transaction:false") {
			for _, l := range lost {
				if !slices.Contains(schema.Keeps(down), l) {
					t.Errorf("%s takes %s out and does not declare that it keeps it: add the line -- keeps: %s", name, l, l)
				}
			}
		}
	}
}

func (d database) lossesOf(work func() error) []string {
	d.t.Helper()
	before, err := schema.ReadStoredOf(d.t.Context(), d)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := work(); err != nil {
		d.t.Fatal(err)
	}
	after, err := schema.ReadStoredOf(d.t.Context(), d)
	if err != nil {
		d.t.Fatal(err)
	}
	return schema.Losses(before, after)
}
