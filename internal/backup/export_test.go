package backup

import "context"

// ChoosePrograms searches only folders.
func ChoosePrograms(ctx context.Context, env map[string]string, folders []string, major int) (string, error) {
	found, err := choose(ctx, env, folders, major)
	return found.dir, err
}

// Write seals and writes a manifest.
func (m Manifest) Write(dump string) error { return m.write(dump) }

// Digest returns size and SHA-256.
var Digest = digest

// ScratchPrefix begins scratch database names.
const ScratchPrefix = scratchPrefix

// Clearing returns the script before the dump.
func Clearing(dump string, replace bool) (string, error) {
	m, err := ReadManifest(dump)
	if err != nil {
		return "", err
	}
	return m.clearing(replace)
}
