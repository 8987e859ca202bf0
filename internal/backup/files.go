package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	partialSuffix = ".partial"
	// forgotten is an abandoned half file's age.
	forgotten = 24 * time.Hour
)

// partial is private and hidden until publish.
type partial struct {
	*os.File
	final string
}

func newPartial(final string) (*partial, error) {
	dir, base := filepath.Split(final)
	file, err := os.CreateTemp(dir, "."+base+".*"+partialSuffix) // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", base, err)
	}
	return &partial{file, final}, nil
}

// publish syncs, then renames.
func (p *partial) publish() error {
	err := errors.Join(p.Sync(), p.Close())
	if err == nil {
		err = os.Rename(p.Name(), p.final)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(p.final))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.final, err)
	}
	return nil
}

func (p *partial) discard() {
	_ = p.Close()
	_ = os.Remove(p.Name())
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func removeForgotten(dir string, now time.Time) error {
	paths, err := filepath.Glob(filepath.Join(dir, ".*"+partialSuffix))
	if err != nil {
		return fmt.Errorf("look for half files: %w", err)
	}
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil && now.Sub(info.ModTime()) > forgotten {
			_ = os.Remove(path)
		}
	}
	return nil
}
