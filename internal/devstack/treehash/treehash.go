// Package treehash names the content of a tree of files, so that what is made from it can be kept under that name. It does not
// know what is made.
package treehash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// Of is a short hash over every file's path and content: fit for a part of a name.
func Of(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash files: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
