package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SessionOptions configure one connection. URL and Name are required.
type SessionOptions struct {
	URL      string // the first host that takes writes is used
	Name     string
	Settings map[string]string // in addition to SessionSettings, or instead
	Timeout  time.Duration
	ExecMode pgx.QueryExecMode
	Pooler   bool // allows a pooler; Settings are ignored
	ReadOnly bool // allows a read-only server when no other answers

	AnyEncoding bool
}

const defaultConnectTimeout = 10 * time.Second

// Connect opens a session outside any pool. Errors: ErrReadOnly, ErrPooler, *UnfitError. No error shows the password.
func Connect(ctx context.Context, o SessionOptions) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("the database URL cannot be read") // the library's error may show the password
	}
	if o.ExecMode != 0 {
		config.DefaultQueryExecMode = o.ExecMode
	}
	config.RuntimeParams["application_name"] = o.Name
	if !o.Pooler {
		pin(config, SessionSettings())
		pin(config, o.Settings)
	}
	conn, err := o.connect(ctx, config, false)
	if o.ReadOnly && errors.Is(err, ErrReadOnly) {
		conn, err = o.connect(ctx, config, true)
	}
	return conn, err
}

func (o SessionOptions) connect(ctx context.Context, config *pgx.ConnConfig, readOnly bool) (*pgx.Conn, error) {
	config.ValidateConnect = o.validate(readOnly)
	hosts := splitHosts(config)
	failures := make([]error, 0, len(hosts))
	for _, host := range hosts {
		host.ConnectTimeout = shareOf(o.Timeout, defaultConnectTimeout, len(hosts))
		conn, err := pgx.ConnectConfig(ctx, host)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, whoRefused(err))
	}
	return nil, errors.Join(failures...)
}

func (o SessionOptions) validate(readOnly bool) pgconn.ValidateConnectFunc {
	s := sessionOf(readOnly, !o.Pooler)
	s.anyEncoding = o.AnyEncoding
	if o.Pooler {
		s.wanted = nil
	}
	for name, value := range o.Settings {
		for i, wanted := range s.wanted {
			if strings.EqualFold(name, wanted.name) {
				s.wanted[i].value = value
			}
		}
	}
	return s.establish
}

// whoRefused reports a pooler: PostgreSQL answers no driver with a protocol violation.
func whoRefused(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == protocolViolation {
		return fmt.Errorf("%w: %w", ErrPooler, err)
	}
	return err
}

// shareOf leaves time for the other hosts when one hangs.
func shareOf(limit, fallback time.Duration, hosts int) time.Duration {
	if limit == 0 {
		limit = fallback
	}
	return limit / time.Duration(max(1, hosts))
}

// splitHosts returns a configuration per host. A host may have two ways: with TLS and without.
func splitHosts(config *pgx.ConnConfig) []*pgx.ConnConfig {
	var hosts []*pgx.ConnConfig
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, way := range ways {
		last := len(hosts) - 1
		if last >= 0 && hosts[last].Host == way.Host && hosts[last].Port == way.Port {
			hosts[last].Fallbacks = append(hosts[last].Fallbacks, way)
			continue
		}
		host := config.Copy()
		host.Host, host.Port, host.TLSConfig, host.Fallbacks = way.Host, way.Port, way.TLSConfig, nil
		hosts = append(hosts, host)
	}
	return hosts
}
