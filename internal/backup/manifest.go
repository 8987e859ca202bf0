package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// format: readers refuse any other. The unreleased format 1 held statements.
const format = 2

const manifestSuffix = ".json"

// Manifest describes the dump's snapshot.
type Manifest struct {
	Format                   int         `json:"format"`
	CreatedAt                time.Time   `json:"created_at"`
	Database                 string      `json:"database"`
	SystemIdentifier         string      `json:"system_identifier"` // initdb's number identifies the server
	ServerVersion            string      `json:"server_version"`
	ServerMajor              int         `json:"server_major"`
	DumpVersion              string      `json:"pg_dump_version"`
	DumpMajor                int         `json:"pg_dump_major"`
	Encoding                 string      `json:"encoding"`
	OnlyAuth                 bool        `json:"only_auth"`
	Extensions               []Extension `json:"extensions,omitempty"`
	Owners                   []Owner     `json:"code_owners"`          // roles with code in the dump
	Dependents               []string    `json:"dependents,omitempty"` // dumped objects that need auth from outside
	Migrations               []string    `json:"migrations"`
	Fingerprint              string      `json:"schema_fingerprint"`
	FingerprintWithoutGrants string      `json:"schema_fingerprint_without_grants"`
	Tables                   []Table     `json:"tables"`
	Size                     int64       `json:"dump_size"`
	SHA256                   string      `json:"dump_sha256"`
	VerifiedAt               *time.Time  `json:"verified_at"`
	GrantsVerified           bool        `json:"grants_verified"` // false without the original roles
	// Seal detects an edited manifest, not a forged one.
	Seal string `json:"seal"`
}

// Table describes a table. Checksum ignores row order: two sums of 64-bit hashes of the rows' text.
type Table struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"`
}

// ManifestPath returns a dump's manifest.
func ManifestPath(dump string) string { return dump + manifestSuffix }

// ReadManifest returns a *Mismatch for a missing, unusable or changed manifest.
func ReadManifest(dump string) (Manifest, error) {
	content, err := os.ReadFile(ManifestPath(dump))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dump); errors.Is(err, fs.ErrNotExist) {
			return Manifest{}, fmt.Errorf("there is no file %s: name a dump that a backup has written", dump)
		}
		return Manifest{}, mismatch(dump, "it has no manifest (%s): it is no finished backup", filepath.Base(ManifestPath(dump)))
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest: %w", err)
	}
	var written struct{ Format int }
	if err := json.Unmarshal(content, &written); err == nil && written.Format != format {
		return Manifest{}, mismatch(dump, "its manifest is of format %d, and this program knows %d", written.Format, format)
	}
	var m Manifest
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return Manifest{}, mismatch(dump, "its manifest cannot be read: %v", err)
	}
	if m.Seal != m.seal() {
		return Manifest{}, mismatch(dump, "its manifest was changed after it was written")
	}
	if err := checkExtensions(m.Extensions); err != nil {
		return Manifest{}, mismatch(dump, "its manifest cannot be used: %v", err)
	}
	return m, nil
}

func (m Manifest) seal() string {
	m.Seal = ""
	content, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (m Manifest) write(dump string) error {
	m.Seal = m.seal()
	content, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	file, err := newPartial(ManifestPath(dump))
	if err != nil {
		return err
	}
	defer file.discard()
	if _, err := file.Write(append(content, '\n')); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return file.publish()
}

func (m Manifest) checkDump(dump string) error {
	size, sum, err := digest(dump)
	if errors.Is(err, fs.ErrNotExist) {
		return mismatch(dump, "there is no such file")
	}
	switch {
	case err != nil:
		return err
	case size != m.Size:
		return mismatch(dump, "it has %d bytes, and its manifest says %d: it was cut, or the manifest is another's", size, m.Size)
	case sum != m.SHA256:
		return mismatch(dump, "its SHA-256 is %s, and its manifest says %s: it was changed, or the manifest is another's", sum, m.SHA256)
	}
	return nil
}

func digest(path string) (size int64, sum string, err error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return 0, "", fmt.Errorf("read the dump: %w", err)
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if size, err = io.Copy(hash, file); err != nil {
		return 0, "", fmt.Errorf("read the dump: %w", err)
	}
	return size, hex.EncodeToString(hash.Sum(nil)), nil
}

func (m Manifest) age(now time.Time) time.Duration { return now.Sub(m.CreatedAt).Round(time.Second) }
