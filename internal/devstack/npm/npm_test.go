package npm_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"auth-v2-service/internal/devstack/npm"
)

func project(lock string) fstest.MapFS {
	return fstest.MapFS{
		"package.json":      {Data: []byte(`{"name":"x","version":"1.0.0"}`), Mode: 0o644},
		"package-lock.json": {Data: []byte(lock), Mode: 0o644},
	}
}

const lock = `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}`

func TestInstall_OnceForAll(t *testing.T) {
	cache := t.TempDir()
	var group sync.WaitGroup
	folders := make([]string, 3)
	for i := range folders {
		group.Go(func() {
			folder, err := npm.Install(t.Context(), cache, "thing", project(lock), t.Output())
			if err != nil {
				t.Errorf("install: %v", err)
			}
			folders[i] = folder
		})
	}
	group.Wait()
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the cache holds %v, %v; want one folder", entries, err)
	}
	for _, folder := range folders {
		if folder != filepath.Join(cache, entries[0].Name()) {
			t.Errorf("got %s, want the one folder", folder)
		}
	}
	other, err := npm.Install(t.Context(), cache, "thing", project(lock+"\n"), t.Output())
	if err != nil || other == folders[0] {
		t.Errorf("another version is in %s, %v; want a folder of its own", other, err)
	}
}

func TestInstall_ThatFailsLeavesNothing(t *testing.T) {
	cache := t.TempDir()
	if _, err := npm.Install(t.Context(), cache, "thing", project("{"), t.Output()); err == nil {
		t.Fatal("a broken lock file is installed")
	}
	if entries, err := os.ReadDir(cache); err != nil || len(entries) != 0 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
}
