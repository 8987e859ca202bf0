package backup

import "context"

// ChoosePrograms looks into the given folders only.
func ChoosePrograms(ctx context.Context, env map[string]string, folders []string, major int) (string, error) {
	found, err := choose(ctx, env, folders, major)
	return found.dir, err
}

// Write seals and writes a manifest as this package would.
func (m Manifest) Write(dump string) error { return m.write(dump) }

// Digest is a file's size and SHA-256.
var Digest = digest

// ScratchPrefix begins the names of scratch databases.
const ScratchPrefix = scratchPrefix

// Clearing is what a restore of dump runs before the dump.
func Clearing(dump string, replace bool) (string, error) {
	m, err := ReadManifest(dump)
	if err != nil {
		return "", err
	}
	return m.clearing(replace)
}
