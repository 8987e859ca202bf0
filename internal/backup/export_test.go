package backup

import "context"

// ChoosePrograms searches folders.
func ChoosePrograms(ctx context.Context, env map[string]string, folders []string, major int) (string, error) {
	found, err := choose(ctx, env, folders, major)
	return found.dir, err
}

// Write seals and writes.
func (m Manifest) Write(dump string) error { return m.write(dump) }

// Digest is digest.
var Digest = digest

// ScratchPrefix is scratchPrefix.
const ScratchPrefix = scratchPrefix

// Clearing is clearing.
func Clearing(dump string, replace bool) (string, error) {
	m, err := ReadManifest(dump)
	if err != nil {
		return "", err
	}
	return m.clearing(replace)
}
