package schema

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/postgres" // dbmate finds its drivers by URL scheme
	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"auth-v2-service/db"
	"auth-v2-service/internal/pause"
)

const (
	// lockTimeout is how long a step may stand in a lock's queue: whoever comes after it waits as long (D4).
	lockTimeout = 300 * time.Millisecond
	// defaultPatience is how long a step tries again.
	defaultPatience = time.Minute
	// clientCheck is how soon a server notices that a killed migrator is gone, also in the middle of a long statement.
	clientCheck = time.Second
)

// lockNotAvailable is PostgreSQL's SQLSTATE of a lock_timeout that has passed.
const lockNotAvailable = "55P03"

// runner takes steps. Its own connection holds the advisory lock and looks on; dbmate works over a second one, which the server
// knows by worker, its application_name.
type runner struct {
	conn     *pgx.Conn
	location *url.URL
	worker   string
	patience time.Duration
	log      *slog.Logger
}

// withRunner connects, waits for the lock, and gives it back afterwards.
func withRunner(ctx context.Context, o Options, work func(*runner) error) error {
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
	if err := r.endOrphans(ctx); err != nil {
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

// ErrPooler says that the address is not PostgreSQL's own: a pooler hands sessions on, and with them the lock of migrating.
var ErrPooler = errors.New("a connection pooler answers at this address: set DATABASE_DIRECT_URL to PostgreSQL itself")

// connect reaches PostgreSQL itself, or says that it does not: behind a pooler the process that answers is not the one that the
// connection was told of.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, fmt.Errorf("connect to the schema's database: %w", err)
	}
	var backend uint32
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&backend)
	if err == nil && backend != conn.PgConn().PID() {
		err = ErrPooler
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

// workerURL is the database's address with what a step's session needs; lib/pq hands unknown parameters to the server.
func (r *runner) workerURL(ctx context.Context, databaseURL string) (*url.URL, error) {
	location, err := url.Parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL for migrating: %w", err)
	}
	withSSLMode(location, r.conn)
	query := location.Query()
	query.Set("application_name", r.worker)
	query.Set("statement_timeout", "0")
	query.Set("search_path", "pg_catalog") // nothing that others have put into public is taken for the server's own
	query.Set("connect_timeout", "10")
	// Not every platform that PostgreSQL runs on can look after its clients (only those with poll's POLLRDHUP).
	if _, err := r.conn.Exec(ctx, "SELECT set_config('client_connection_check_interval', $1, true)", milliseconds(clientCheck)); err == nil {
		query.Set("client_connection_check_interval", milliseconds(clientCheck))
	}
	location.RawQuery = query.Encode()
	return location, nil
}

// withSSLMode spells out what pgx has negotiated: dbmate's driver knows no sslmode=prefer and would insist on TLS.
func withSSLMode(location *url.URL, conn *pgx.Conn) {
	_, encrypted := conn.PgConn().Conn().(*tls.Conn)
	query := location.Query()
	query.Set("sslmode", sslMode(query.Get("sslmode"), encrypted, conn.Config().TLSConfig))
	location.RawQuery = query.Encode()
}

// sslMode is the mode that the URL asks for; where it leaves that open, the mode that pgx has found elsewhere (PGSSLMODE, a
// service file) and made this connection by: no step's session checks less of the server than the first one did.
func sslMode(asked string, encrypted bool, made *tls.Config) string {
	switch {
	case asked != "" && asked != "prefer" && asked != "allow":
		return asked
	case !encrypted:
		return "disable"
	case made == nil: // sslmode=allow, and the server insisted on TLS
		return "require"
	case !made.InsecureSkipVerify:
		return "verify-full"
	case made.VerifyPeerCertificate != nil:
		return "verify-ca"
	}
	return "require"
}

// session is one more session of this worker, for statements that are no migration's.
func (r *runner) session(ctx context.Context, patience time.Duration) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(r.location.String())
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err)
	}
	config.RuntimeParams["lock_timeout"] = milliseconds(patience)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect for a step: %w", err)
	}
	return conn, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// mate is dbmate over the migrations up to and including last, whose sessions wait for a lock as long as they are told.
func (r *runner) mate(last string, patience time.Duration) *dbmate.DB {
	location := *r.location
	query := location.Query()
	query.Set("lock_timeout", milliseconds(patience))
	location.RawQuery = query.Encode()
	mate := dbmate.New(&location)
	mate.FS = upTo{db.Migrations, last}
	mate.MigrationsDir = []string{"migrations"}
	mate.MigrationsTableName = Table
	mate.AutoDumpSchema = false
	mate.Strict = true
	mate.Log = io.Discard
	return mate
}

// upTo shows a folder of migrations as it was when last was the newest; "" shows all. dbmate always works on the whole folder.
type upTo struct {
	fs.FS
	last string
}

// ReadDir implements fs.ReadDirFS.
func (u upTo) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(u.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return u.last != "" && e.Name() > u.last }), err
}

// files are the binary's migrations in order, each with whether it has been applied.
func (r *runner) files(ctx context.Context) ([]dbmate.Migration, error) {
	applied, err := appliedVersions(ctx, r.conn)
	if err != nil {
		return nil, err
	}
	var files []dbmate.Migration
	for _, name := range Files() {
		files = append(files, dbmate.Migration{
			Applied: slices.Contains(applied, Version(name)), FileName: name, FilePath: "migrations/" + name, FS: db.Migrations, Version: Version(name),
		})
	}
	return files, nil
}

// pending are the migrations up to a version ("": all) that are still to be applied, in order.
func (r *runner) pending(ctx context.Context, to string) ([]dbmate.Migration, error) {
	files, err := r.files(ctx)
	if err == nil {
		err = inOrder(files)
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(file dbmate.Migration) bool { return file.Applied || (to != "" && file.Version > to) }), nil
}

// inOrder refuses a database in which a later migration than a pending one has been applied: two releases have met.
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

// newer are the applied versions that this binary does not carry.
func (r *runner) newer(ctx context.Context) ([]string, error) {
	applied, err := appliedVersions(ctx, r.conn)
	return without(applied, versions()), err
}

// stepsDown are the applied migrations above version, the newest first; only the newest for "".
func (r *runner) stepsDown(ctx context.Context, version string) ([]dbmate.Migration, error) {
	files, err := r.files(ctx)
	if err != nil {
		return nil, err
	}
	known := version == ""
	var steps []dbmate.Migration
	for _, file := range slices.Backward(files) {
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
	err = r.patiently(ctx, section.UpOptions.Transaction(), func(patience time.Duration) error {
		if err := r.buildIndex(ctx, section.Up, patience); err != nil {
			return err
		}
		return r.mate(file.FileName, patience).Migrate()
	})
	return r.leaveNoHalf(ctx, section.Up, err)
}

func (r *runner) down(ctx context.Context, file dbmate.Migration) error {
	section, err := sectionOf(file)
	if err != nil {
		return err
	}
	return r.patiently(ctx, section.DownOptions.Transaction(), func(patience time.Duration) error {
		return r.mate(file.FileName, patience).Rollback()
	})
}

// sectionOf reads a migration; several pairs of up and down in a file would half-apply when cut short.
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

// patiently tries a step until it gets its locks or the patience is at an end. A step in a transaction asks for strong locks
// and steps out of their queue at once; one outside (CREATE INDEX CONCURRENTLY) waits where it stands in nobody's way.
func (r *runner) patiently(ctx context.Context, inTransaction bool, try func(patience time.Duration) error) error {
	began := time.Now()
	for round := 0; ; round++ {
		patience := lockTimeout
		if !inTransaction {
			patience = max(r.patience-time.Since(began), lockTimeout)
		}
		blockers, err := r.watched(ctx, func() error { return try(patience) })
		err = explained(err)
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			return errors.Join(ended, err)
		}
		if sqlState(err) != lockNotAvailable {
			return err
		}
		if waited := time.Since(began); waited >= r.patience {
			return &LockedError{Waited: waited, Blockers: blockers}
		}
		r.log.WarnContext(ctx, "a migration waits for a lock", "held_by", describe(blockers))
		if err := pause.For(ctx, backoff(round)); err != nil {
			return err
		}
	}
}

// backoff leaves those who came meanwhile their turn: 100 ms, doubling to 3 s, with jitter.
func backoff(round int) time.Duration {
	most := 100 * time.Millisecond * time.Duration(math.Pow(2, float64(min(round, 5))))
	return most/2 + mathrand.N(most/2+1) //nolint:gosec // spreads retries, protects nothing
}

// explained opens dbmate's errors, which do not unwrap, and adds the server's hint to its message.
func explained(err error) error {
	var query *dbmate.QueryError
	if errors.As(err, &query) {
		err = query.Err
	}
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Hint != "" {
		return fmt.Errorf("%w. %s", err, refused.Hint)
	}
	return err
}

// sqlState gives the server's code of an error, from either driver; "" where it is none of the server's.
func sqlState(err error) string {
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) {
		return refused.SQLState()
	}
	return ""
}
