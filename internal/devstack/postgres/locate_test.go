package postgres

import (
	"os"
	"path/filepath"
	"testing"
)

func TestChoose_FollowsTheDataFolder(t *testing.T) {
	t.Parallel()
	candidates := []programs{{version: "15.18", major: 15}, {version: "18.4", major: 18}, {version: "16.2", major: 16}}
	for _, tc := range []struct {
		wanted, version string
		ok              bool
	}{
		{"", "18.4", true},
		{"15", "15.18", true},
		{"14", "", false},
	} {
		if got, ok := choose(candidates, tc.wanted); got.version != tc.version || ok != tc.ok {
			t.Errorf("data folder of %q: got %q, %v, want %q, %v", tc.wanted, got.version, ok, tc.version, tc.ok)
		}
	}
}

func fakeServer(t *testing.T, version string, extensions ...string) string {
	t.Helper()
	root := t.TempDir()
	bin, share := filepath.Join(root, "bin"), filepath.Join(root, "share", "extension")
	for _, dir := range []string{bin, share} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range extensions {
		if err := os.WriteFile(filepath.Join(share, name+".control"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func TestInspect_RefusesWhatMigrationsCannotUse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		version    string
		extensions []string
		ok         bool
	}{
		{"13.22 (Debian 13.22-1)", []string{"plpgsql", "uuid-ossp", "pgcrypto"}, false},
		{"77.1", []string{"plpgsql"}, false},
		{"77.1", []string{"plpgsql", "uuid-ossp", "pgcrypto"}, true},
		{"77beta1", []string{"plpgsql", "uuid-ossp", "pgcrypto"}, true},
		{"77.1", nil, true}, // unknown folder
	} {
		if _, err := inspect(t.Context(), fakeServer(t, tc.version, tc.extensions...)); (err == nil) != tc.ok {
			t.Errorf("%s with %v: %v, want usable %v", tc.version, tc.extensions, err, tc.ok)
		}
	}
}
