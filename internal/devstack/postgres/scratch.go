package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// ScratchPrefix begins tests' databases; StartScratch drops leftovers.
const ScratchPrefix = "test_"

const maxSlots = 64

// StartScratch runs a server without fsync in a free slot. Reused slots save initdb (0.1 s instead of 0.7 s) and keep templates. Broken
// slots are recreated.
func StartScratch(ctx context.Context, log io.Writer) (*Server, error) {
	if log == nil {
		log = io.Discard
	}
	root, err := scratchRoot()
	if err != nil {
		return nil, err
	}
	// Another version's slot would select its server.
	programs, err := locate(ctx, Options{DataDir: filepath.Join(root, "new"), Log: log})
	if err != nil {
		return nil, err
	}
	for slot := range maxSlots {
		server, err := startSlot(ctx, filepath.Join(root, fmt.Sprintf("slot-%d-%d", programs.major, slot)), log)
		if !errors.Is(err, ErrInUse) {
			return server, err
		}
	}
	return nil, fmt.Errorf("all %d slots under %s are in use", maxSlots, root)
}

// scratchRoot checks owner and mode: the name can be guessed.
func scratchRoot() (string, error) {
	root := filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-postgres-%d", os.Getuid()))
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // other must enter
	}
	if err := os.Mkdir(root, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("scratch folder: %w", err)
	}
	info, err := os.Lstat(root)
	if err != nil {
		return "", fmt.Errorf("scratch folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o066 != 0 {
		return "", fmt.Errorf("%s is not a private folder of this user: remove it", root)
	}
	return root, nil
}

func startSlot(ctx context.Context, dir string, log io.Writer) (*Server, error) {
	o := Options{DataDir: dir, Log: log}
	server, err := Start(ctx, o)
	if err != nil && !errors.Is(err, ErrInUse) && ctx.Err() == nil {
		if server, err = restartAnew(ctx, o, err); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if err := server.dropLeftovers(ctx); err != nil {
		_ = server.Stop()
		return nil, err
	}
	return server, nil
}

// Without fsync, a machine crash can break a slot.
func restartAnew(ctx context.Context, o Options, cause error) (*Server, error) {
	if major, err := dataMajor(o.DataDir); major == "" {
		return nil, errors.Join(cause, err) // it was new
	}
	if err := os.RemoveAll(o.DataDir); err != nil {
		return nil, errors.Join(cause, err)
	}
	server, err := Start(ctx, o)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	return server, nil
}

func (s *Server) dropLeftovers(ctx context.Context) error {
	return s.withSuper(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", ScratchPrefix)
		if err != nil {
			return fmt.Errorf("list leftovers: %w", err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("list leftovers: %w", err)
		}
		for _, name := range names {
			if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
				return fmt.Errorf("drop leftover %s: %w", name, err)
			}
		}
		return nil
	})
}
