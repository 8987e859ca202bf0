package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"auth-v2-service/internal/devstack/child"
)

const (
	readyLimit = 60 * time.Second
	authdGrace = 40 * time.Second // above authd's SHUTDOWN_TIMEOUT
)

func (s *stack) startAuthd(ctx context.Context, service Env) error {
	start := time.Now()
	env := slices.Concat(service, Env{
		{"PORT", strconv.Itoa(s.places.servePort)},
		{"METRICS_PORT", strconv.Itoa(s.places.metrics)},
	})
	process, err := child.Start(child.Options{
		Path: s.options.Authd, Args: []string{"serve"}, Env: env.Over(withoutForeign(os.Environ())),
		Stdout: s.options.Out, Stderr: s.options.Out, Grace: authdGrace,
	})
	if err != nil {
		return fmt.Errorf("%w (make builds it)", err)
	}
	s.parts = append(s.parts, part{name: "authd", done: process.Done(), why: process.Err, stop: process.Stop})
	url := s.env.Get("AUTH_URL") + "/health/ready"
	if err := waitReady(ctx, url, process); err != nil {
		return fmt.Errorf("authd: %w", err)
	}
	s.say("authd ready on %s (%s)", s.env.Get("AUTH_URL"), since(start))
	return nil
}

func waitReady(ctx context.Context, url string, process *child.Process) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		err := Probe(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-process.Done():
			return errors.Join(errors.New("ended while starting; its log is above"), process.Err())
		case <-ctx.Done():
			return fmt.Errorf("was not ready in time: %w", errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Probe returns nil when url answers 200.
func Probe(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
