package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/testkit/servicetest"
)

type process struct {
	*child.Process
	url string
}

func startProcess(t *testing.T, binary string, stack *servicetest.Stack) *process {
	t.Helper()
	environment := []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range stack.Environment() {
		environment = append(environment, name+"="+value)
	}
	log, address := newAddressReader()
	running, err := child.Start(child.Options{Path: binary, Args: []string{"serve"}, Env: environment, Stderr: log})
	if err != nil {
		t.Fatalf("start authd: %v", err)
	}
	p := &process{Process: running}
	t.Cleanup(func() { p.kill(t) })
	select {
	case found := <-address:
		p.url = "http://" + found
	case <-running.Done():
		t.Fatalf("authd ended before it served: %v", running.Err())
	case <-time.After(30 * time.Second):
		t.Fatal("authd did not serve within 30 s")
	}
	return p
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	_ = p.Signal(syscall.SIGKILL)
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Error("authd lives 10 s after kill -9")
	}
}

func (p *process) register(t *testing.T, body string) (answered <-chan struct{}) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/v1/auth/register", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Content-Type", "application/json")
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	return done
}

// newAddressReader reads the serving address from the log.
func newAddressReader() (io.Writer, <-chan string) {
	reader, writer := io.Pipe()
	address := make(chan string, 1)
	go func() {
		lines := json.NewDecoder(reader)
		for {
			var line struct {
				Message string `json:"msg"`
				Address string `json:"server.address"`
			}
			if lines.Decode(&line) != nil {
				_, _ = io.Copy(io.Discard, reader) // drain, so the writer does not block
				return
			}
			if line.Message == "serving" {
				address <- line.Address
			}
		}
	}()
	return writer, address
}
