package devstack

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"auth-v2-service/internal/devstack/lockfile"
)

// Defaults of Firebase's tools and Prometheus.
const (
	identityPort = 9099
	metricsPort  = 9464
	portsTried   = 100
	maxPort      = 65535
)

func (s *stack) choosePorts() error {
	var err error
	if s.places.servePort, err = s.reserve(s.options.Port); err != nil {
		return err
	}
	if s.places.servePort != s.options.Port {
		s.say("Port %d is in use: authd will serve on port %d", s.options.Port, s.places.servePort)
	}
	wanted := cmp.Or(s.options.MetricsPort, metricsPort)
	if s.places.metrics, err = s.reserve(wanted); err != nil {
		return err
	}
	if s.places.metrics != wanted {
		s.say("Port %d is in use: authd's metrics will be on port %d", wanted, s.places.metrics)
	}
	return nil
}

// reserve locks the first free port from wanted on, until the stack ends: two stacks must not choose the same.
func (s *stack) reserve(wanted int) (int, error) {
	if wanted < 1 || wanted > maxPort {
		return 0, fmt.Errorf("port %d: must be 1 to %d", wanted, maxPort)
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-ports-%d", os.Getuid()))
	var failure error
	for port := wanted; port < wanted+portsTried && port <= maxPort; port++ {
		lock, err := lockfile.Try(filepath.Join(dir, strconv.Itoa(port)))
		if err != nil && !errors.Is(err, lockfile.ErrHeld) {
			return 0, err
		}
		if err == nil {
			if err = tryPort(port); err == nil {
				s.ports = append(s.ports, lock)
				return port, nil
			}
			_ = lock.Close()
		}
		failure = err
	}
	return 0, fmt.Errorf("no port from %d to %d is free: %w", wanted, wanted+portsTried-1, failure)
}

// A listener on either conflicts.
func tryPort(port int) error {
	for _, host := range []string{"127.0.0.1", ""} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		_ = listener.Close()
	}
	return nil
}
