package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	scratchPrefix = "authd_verify_"
	scratchTime   = "20060102t150405"
	// abandoned is an unused scratch database's age.
	abandoned = time.Hour
	dropLimit = time.Minute
)

const insufficientPrivilege = "42501"

// inScratch always drops its database.
func inScratch(ctx context.Context, o Options, host *server, encoding string, work func(*server) error) (err error) {
	dropAbandoned(ctx, o, host)
	name := scratchPrefix + o.now().Format(scratchTime) + "_" + strings.ToLower(rand.Text()[:8])
	if _, err := host.Exec(ctx, "CREATE DATABASE "+quoted(name)+" TEMPLATE template0 ENCODING "+literal(encoding)); err != nil {
		return scratchRefused(host, err)
	}
	defer func() {
		dropping, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropLimit)
		defer cancel()
		if dropErr := drop(dropping, host, name); dropErr != nil {
			err = errors.Join(err, fmt.Errorf("drop the scratch database %s: %w", name, dropErr))
		}
	}()
	address, err := otherDatabase(host.address, name)
	if err != nil {
		return err
	}
	scratch, err := connect(ctx, address)
	if err != nil {
		return err
	}
	defer scratch.close(ctx)
	if scratch.Database != name { // a restore must never reach another database
		return fmt.Errorf("the address of the scratch database %s leads to the database %s", name, scratch.Database)
	}
	return work(scratch)
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func scratchRefused(host *server, err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == insufficientPrivilege {
		role := host.Config().User
		return fmt.Errorf("the role %s may not create the scratch database that a backup is restored into: ALTER ROLE %s CREATEDB, or name "+
			"another server in BACKUP_VERIFY_URL: %w", role, quoted(role), err)
	}
	return fmt.Errorf("create the scratch database: %w", err)
}

// drop retries until an autovacuum worker leaves: only a superuser may end it.
func drop(ctx context.Context, host *server, name string) error {
	for {
		_, err := host.Exec(ctx, "DROP DATABASE IF EXISTS "+quoted(name)+" WITH (FORCE)")
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != insufficientPrivilege {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// dropAbandoned only logs a failure.
func dropAbandoned(ctx context.Context, o Options, host *server) {
	names, err := column[string](ctx, host, forgottenScratchQuery, scratchPrefix, scratchPrefix+o.now().Add(-abandoned).Format(scratchTime))
	for _, name := range names {
		err = errors.Join(err, drop(ctx, host, name))
	}
	if err != nil {
		o.Logger.WarnContext(ctx, "scratch databases of a killed run could not be dropped", "error", err)
	}
}

// otherDatabase removes database parameters, which override the path.
func otherDatabase(address, name string) (string, error) {
	location, err := url.Parse(address)
	if err != nil {
		return "", errors.New("parse the database URL: it must begin with postgres://")
	}
	query := location.Query()
	query.Del("dbname")
	query.Del("database")
	location.RawQuery = query.Encode()
	location.Path = "/" + name
	return location.String(), nil
}
