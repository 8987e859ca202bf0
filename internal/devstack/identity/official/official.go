package official

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"auth-v2-service/internal/devstack/npm"
	"auth-v2-service/tools/emulator"
)

// Options configures the emulator.
type Options struct {
	ProjectID string
	// Cache empty: the user's.
	Cache string
	// Port 0 takes a free one.
	Port   int
	Output io.Writer
}

// Emulator is a running emulator.
type Emulator struct {
	// Host is FIREBASE_AUTH_EMULATOR_HOST's value.
	Host string

	command *exec.Cmd
	stdin   io.Closer
	exited  chan struct{}
	once    sync.Once
}

const startLimit = 60 * time.Second

// Start returns when the emulator serves. ctx limits only the start. The emulator ends with this process.
func Start(ctx context.Context, opts Options) (*Emulator, error) {
	folder, err := npm.Install(ctx, opts.Cache, "firebase-tools", emulator.Files, io.Discard)
	if err != nil {
		return nil, err
	}
	var kept bytes.Buffer
	if opts.Output == nil {
		opts.Output = &kept
	}
	e, ready, err := launch(folder, opts)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	select {
	case e.Host = <-ready:
		return e, nil
	case <-e.exited:
		return nil, fmt.Errorf("the emulator ended at its start: %s", kept.String())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("the emulator did not start: %w", context.Cause(ctx)), e.Close())
	}
}

// The open stdin is the lifeline.
func launch(folder string, opts Options) (*Emulator, <-chan string, error) {
	command := exec.Command("node", "start.cjs", opts.ProjectID, strconv.Itoa(opts.Port))
	command.Dir = folder
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("emulator: %w", err)
	}
	reader, writer := io.Pipe()
	output := &lockedWriter{to: opts.Output}
	command.Stdout, command.Stderr = io.MultiWriter(output, writer), output
	if err := command.Start(); err != nil {
		return nil, nil, fmt.Errorf("emulator: %w", err)
	}
	e := &Emulator{command: command, stdin: stdin, exited: make(chan struct{})}
	ready := make(chan string, 1)
	go watch(reader, ready)
	go func() {
		_ = command.Wait()
		_ = writer.Close()
		close(e.exited)
	}()
	return e, ready, nil
}

func watch(output io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if host, found := strings.CutPrefix(lines.Text(), "ready "); found {
			ready <- host
			break
		}
	}
	_, _ = io.Copy(io.Discard, output)
}

// Close ends the emulator.
func (e *Emulator) Close() error {
	var err error
	e.once.Do(func() {
		_ = e.stdin.Close()
		select {
		case <-e.exited:
		case <-time.After(5 * time.Second):
			err = e.command.Process.Kill()
			<-e.exited
		}
	})
	return err
}

type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}
