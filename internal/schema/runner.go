package schema

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/postgres" // registers dbmate's driver
	"github.com/jackc/pgx/v5"

	"auth-v2-service/db"
)

const (
	// lockTimeout limits a step's wait, and that of sessions queued behind it (D4).
	lockTimeout     = 300 * time.Millisecond
	defaultPatience = time.Minute
	// vacuumPatience limits a weak lock's wait for autovacuum.
	vacuumPatience = 5 * time.Second
	// clientCheck is the time to notice a killed migrator.
	clientCheck = time.Second
)

// runner takes steps in sessions named worker. conn holds the advisory lock and watches.
type runner struct {
	conn     *pgx.Conn
	location *url.URL
	worker   string
	patience time.Duration
	log      *slog.Logger
}

func withRunner(ctx context.Context, o Options, work func(*runner) error) (err error) {
	defer func() { err = endedBy(ctx, err) }()
	conn, err := connect(ctx, o.DatabaseURL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // frees the lock
	r := &runner{conn: conn, worker: worker + rand.Text()[:8], patience: o.Patience, log: o.Logger}
	if r.patience == 0 {
		r.patience = defaultPatience
	}
	if err := lock(ctx, conn, r.patience, r.log); err != nil {
		return err
	}
	if err := r.endStaleBackends(ctx); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT set_config('lock_timeout', $1, false)", milliseconds(r.patience)); err != nil {
		return fmt.Errorf("prepare for migrating: %w", err)
	}
	if r.location, err = r.workerURL(ctx, o.DatabaseURL); err != nil {
		return err
	}
	return work(r)
}

// endedBy adds the ended context as cause: the driver reports only a closed connection.
func endedBy(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

func (r *runner) mate(last dbmate.Migration, patience time.Duration) *dbmate.DB {
	location := *r.location
	query := location.Query()
	query.Set("lock_timeout", milliseconds(patience))
	location.RawQuery = query.Encode()
	mate := dbmate.New(&location)
	mate.FS = upTo{last.FS, last.FileName}
	mate.MigrationsDir = []string{"migrations"}
	mate.MigrationsTableName = Table
	mate.AutoDumpSchema = false
	mate.Strict = true
	mate.Log = io.Discard
	return mate
}

// upTo hides later migrations: dbmate uses the whole folder.
type upTo struct {
	fs.FS
	last string
}

func (u upTo) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(u.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return u.last != "" && e.Name() > u.last }), err
}

func files(ctx context.Context, conn *pgx.Conn) ([]dbmate.Migration, error) {
	applied, err := appliedVersions(ctx, conn)
	if err != nil {
		return nil, err
	}
	var all []dbmate.Migration
	for _, name := range Files() {
		all = append(all, dbmate.Migration{
			Applied: slices.Contains(applied, Version(name)), FileName: name, FilePath: "migrations/" + name, FS: db.Migrations, Version: Version(name),
		})
	}
	return all, nil
}

func pending(ctx context.Context, conn *pgx.Conn, to string) ([]dbmate.Migration, error) {
	all, err := files(ctx, conn)
	if err == nil {
		err = inOrder(all)
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(file dbmate.Migration) bool { return file.Applied || (to != "" && file.Version > to) }), nil
}

// inOrder refuses a pending migration below an applied one: two releases have met.
func inOrder(files []dbmate.Migration) error {
	pending := ""
	for _, file := range files {
		if !file.Applied && pending == "" {
			pending = file.FileName
		}
		if file.Applied && pending != "" {
			return fmt.Errorf("%s is pending although the later %s has been applied: give it a number above all others", pending, file.FileName)
		}
	}
	return nil
}

func (r *runner) newer(ctx context.Context) ([]string, error) {
	applied, err := appliedVersions(ctx, r.conn)
	return without(applied, versions()), err
}

// stepsDown lists applied migrations above version, newest first; "": only the newest.
func (r *runner) stepsDown(ctx context.Context, version string) ([]dbmate.Migration, error) {
	all, err := files(ctx, r.conn)
	if err != nil {
		return nil, err
	}
	known := version == ""
	var steps []dbmate.Migration
	for _, file := range slices.Backward(all) {
		known = known || file.Version == version
		if file.Applied && (version == "" || file.Version > version) {
			steps = append(steps, file)
		}
	}
	switch {
	case !known:
		return nil, fmt.Errorf("there is no migration %s; `authd schema status` lists them", version)
	case len(steps) == 0:
		return nil, errors.New("there is nothing to roll back")
	case version == "":
		steps = steps[:1]
	}
	return steps, nil
}

func (r *runner) up(ctx context.Context, file dbmate.Migration) error {
	section, err := sectionOf(file)
	if err != nil {
		return err
	}
	err = r.retryLocks(ctx, section.UpOptions.Transaction(), func(patience time.Duration) error {
		if err := r.buildIndex(ctx, section.Up, patience); err != nil {
			return err
		}
		return r.mate(file, patience).Migrate()
	})
	return r.leaveNoHalf(ctx, section.Up, err)
}

// sectionOf refuses several up/down pairs: they could be half-applied.
func sectionOf(file dbmate.Migration) (*dbmate.ParsedMigration, error) {
	sections, err := file.Parse()
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if len(sections) != 1 {
		return nil, fmt.Errorf("it holds %d pairs of up and down, expected one", len(sections))
	}
	return sections[0], nil
}
