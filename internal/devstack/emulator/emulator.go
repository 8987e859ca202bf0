// Package emulator runs Firebase's Auth emulator (tools/emulator) for `make run IDENTITY=emulator`. Its tokens are unsigned: development
// only (rule T1).
package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
	"auth-v2-service/internal/devstack/npm"
	project "auth-v2-service/tools/emulator"
)

const (
	host       = "127.0.0.1"
	startLimit = 3 * time.Minute
)

// Options configures the emulator.
type Options struct {
	// Dir is made when missing; an orderly stop saves accounts there.
	Dir       string
	ProjectID string
	Port      int
	Log       io.Writer
}

// Server is a running emulator.
type Server struct {
	process *child.Process
	addr    string
	log     string
}

// Start installs firebase-tools where missing and waits for an answer.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	folder, err := npm.Install(ctx, "", "firebase-tools", project.Files, o.Log)
	if err != nil {
		return nil, fmt.Errorf("install the emulator: %w", err)
	}
	port, err := freeport.Choose(host, o.Port)
	if err != nil {
		return nil, err
	}
	if err := configure(o.Dir, port); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(o.Dir, "emulator.log"))
	if err != nil {
		return nil, fmt.Errorf("emulator's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	scratch, err := scratchDir(o.Dir)
	if err != nil {
		return nil, err
	}
	process, err := child.Start(child.Options{
		Path: filepath.Join(folder, "node_modules", ".bin", "firebase"), Args: arguments(o), Dir: o.Dir,
		// The hub writes its address into TMPDIR, by project.
		Env:    append(os.Environ(), "CI=1", "NO_UPDATE_NOTIFIER=1", "TMPDIR="+scratch),
		Stdout: log, Stderr: log, StopSignal: syscall.SIGINT, Grace: 20 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	server := &Server{process: process, addr: net.JoinHostPort(host, strconv.Itoa(port)), log: log.Name()}
	if err := server.waitReady(ctx); err != nil {
		_ = process.Stop()
		return nil, fmt.Errorf("%w (see %s)", err, log.Name())
	}
	return server, nil
}

func scratchDir(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, "tmp"))
	if err != nil {
		return "", fmt.Errorf("emulator's temporary folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("emulator's temporary folder: %w", err)
	}
	return path, nil
}

const accounts = "accounts"

func arguments(o Options) []string {
	args := []string{"emulators:start", "--only", "auth", "--project", o.ProjectID, "--non-interactive", "--export-on-exit", accounts}
	if _, err := os.Stat(filepath.Join(o.Dir, accounts)); err == nil {
		args = append(args, "--import", accounts)
	}
	return args
}

func configure(dir string, port int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("emulator's folder: %w", err)
	}
	content, err := json.Marshal(map[string]any{"emulators": map[string]any{
		"auth": map[string]any{"host": host, "port": port},
		"ui":   map[string]any{"enabled": false},
	}})
	if err != nil {
		return fmt.Errorf("emulator's configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "firebase.json"), content, 0o600); err != nil {
		return fmt.Errorf("emulator's configuration: %w", err)
	}
	return nil
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := s.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.Done():
			return fmt.Errorf("the emulator ended while starting: %w", errors.Join(s.process.Err(), err))
		case <-ctx.Done():
			return fmt.Errorf("the emulator was not ready in time: %w", errors.Join(ctx.Err(), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

const saysReady = "All emulators ready"

func (s *Server) probe(ctx context.Context) error {
	said, err := os.ReadFile(s.log)
	if err != nil {
		return err
	}
	if !bytes.Contains(said, []byte(saysReady)) {
		return errors.New("the emulator has not said that it is ready")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the emulator answers %s", response.Status)
	}
	return nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// Done closes when the emulator ends.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop saves accounts.
func (s *Server) Stop() error { return s.process.Stop() }
