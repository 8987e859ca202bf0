package backup

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// Options configure backups. URL must reach PostgreSQL itself, not a transaction pooler.
type Options struct {
	URL string
	// VerifyURL is for scratch databases; its role needs CREATEDB. "": URL.
	VerifyURL string
	// Environment is the process's: programs get PATH, HOME and libpq's variables only.
	Environment map[string]string
	Logger      *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

func (o Options) now() time.Time {
	if o.Now != nil {
		return o.Now().UTC()
	}
	return time.Now().UTC()
}

func (o Options) verifyURL() string {
	if o.VerifyURL != "" {
		return o.VerifyURL
	}
	return o.URL
}

// Create writes an unverified backup into a new file of dir. Dump and manifest share one snapshot; writers go on. The dump gets its name
// once it is synced, then its manifest. Without a manifest it is no backup.
func Create(ctx context.Context, o Options, dir string, onlyAuth bool) (path string, m Manifest, err error) {
	source, err := connect(ctx, o.URL)
	if err != nil {
		return "", Manifest{}, err
	}
	defer source.close(ctx)
	tools, err := findPrograms(ctx, o.Environment, source.Major)
	if err != nil {
		return "", Manifest{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", Manifest{}, fmt.Errorf("make the folder: %w", err)
	}
	if err := removeForgotten(dir, o.now()); err != nil {
		return "", Manifest{}, err
	}
	m = Manifest{
		Format: format, CreatedAt: o.now().Truncate(time.Millisecond), Database: source.Database, SystemIdentifier: source.SystemIdentifier,
		ServerVersion: source.Version, ServerMajor: source.Major, DumpVersion: tools.version, DumpMajor: tools.major,
		Encoding: source.Encoding, OnlyAuth: onlyAuth,
	}
	path = filepath.Join(dir, m.fileName())
	file, err := newPartial(path)
	if err != nil {
		return "", Manifest{}, err
	}
	defer file.discard()
	if err := source.dump(ctx, o, tools, file.File, &m); err != nil {
		return "", Manifest{}, err
	}
	if m.Size, m.SHA256, err = digest(file.Name()); err != nil {
		return "", Manifest{}, err
	}
	if err := file.publish(); err != nil {
		return "", Manifest{}, err
	}
	return path, m, m.write(path)
}

var oddInFileName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func (m Manifest) fileName() string {
	scope := ""
	if m.OnlyAuth {
		scope = "-auth"
	}
	return oddInFileName.ReplaceAllString(m.Database, "_") + scope + "-" + m.CreatedAt.Format("20060102T150405.000Z") + ".dump"
}

// dump counts while pg_dump runs: a short snapshot hinders vacuum less.
func (s *server) dump(ctx context.Context, o Options, tools programs, file *os.File, m *Manifest) error {
	env, err := s.programEnvironment(o.Environment)
	if err != nil {
		return err
	}
	return s.atOneInstant(ctx, m.OnlyAuth, func(tx pgx.Tx) error {
		var snapshot string
		if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
			return fmt.Errorf("export the snapshot: %w", err)
		}
		var found census
		both, ctx := errgroup.WithContext(ctx)
		both.Go(func() error { return runDump(ctx, tools, env, file, snapshot, m.OnlyAuth) })
		both.Go(func() (err error) {
			found, err = count(ctx, tx, m.OnlyAuth)
			return err
		})
		if err := both.Wait(); err != nil {
			return err
		}
		m.Tables, m.Migrations, m.Fingerprint, m.FingerprintWithoutGrants = found.tables, found.migrations, found.fingerprint, found.withoutGrants
		m.Owners = found.owners
		if m.OnlyAuth {
			m.Extensions = found.extensions
		} else {
			m.Dependents = found.dependents
		}
		return checkExtensions(m.Extensions)
	})
}

// runDump uses a file, no pipe: pg_dump seeks back for table offsets.
func runDump(ctx context.Context, tools programs, env []string, file *os.File, snapshot string, onlyAuth bool) error {
	args := []string{
		"--format=custom", "--no-password", "--snapshot=" + snapshot,
		"--lock-wait-timeout=" + strconv.FormatInt(lockTimeout.Milliseconds(), 10),
	}
	if onlyAuth {
		args = append(args, "--schema=auth")
	}
	command, said := tools.command(ctx, env, "pg_dump", args...)
	command.Stdout = file
	return supervised(func() error {
		if err := command.Run(); err != nil {
			return said.about(err)
		}
		return nil
	})
}
