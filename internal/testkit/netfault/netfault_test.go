package netfault_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/netfault"
)

func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func say(conn net.Conn, patience time.Duration) (string, error) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), err
}

func mustAnswer(t *testing.T, conn net.Conn) {
	t.Helper()
	if answer, err := say(conn, 10*time.Second); err != nil || answer != "hello" {
		t.Fatalf("the service answers %q, %v, want hello", answer, err)
	}
}

func TestWire_CutAndRestore(t *testing.T) {
	t.Parallel()
	wire := netfault.New(t, echo(t))
	addr := wire.Addr()
	before := dial(t, addr)
	mustAnswer(t, before)
	wire.Cut()
	wire.Cut()
	if _, err := say(before, 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an open connection gives %v, want it closed", err)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("a new connection is accepted while the wire is cut")
	}
	wire.Restore()
	if wire.Addr() != addr {
		t.Errorf("the address changed from %s to %s", addr, wire.Addr())
	}
	mustAnswer(t, dial(t, addr))
}

func TestWire_HangAndRestore(t *testing.T) {
	t.Parallel()
	wire, url := netfault.URL(t, "tcp://"+echo(t))
	addr := strings.TrimPrefix(url, "tcp://")
	before := dial(t, addr)
	mustAnswer(t, before)
	wire.Cut()
	wire.Hang()
	open := dial(t, addr)
	if answer, err := say(open, 200*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a hanging wire gives %q, %v, want silence", answer, err)
	}
	wire.Restore()
	mustAnswer(t, dial(t, addr))
	wire.Hang()
	wire.Cut()
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("a new connection is accepted while the wire is cut")
	}
	wire.Restore()
	mustAnswer(t, dial(t, addr))
}
