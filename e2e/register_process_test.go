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

// process is authd as an operator runs it: something that can be killed.
type process struct {
	*child.Process
	url string
}

// startProcess runs authd on a stack and waits until it serves.
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

// kill is kill -9. It returns when the process is gone.
func (p *process) kill(t *testing.T) {
	t.Helper()
	_ = p.Signal(syscall.SIGKILL) // it may have ended already
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Error("authd lives 10 s after kill -9")
	}
}

// register sends a registration that may never be answered.
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

// newAddressReader gives a place for authd's log, and the address at which the log says that it serves.
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
				_, _ = io.Copy(io.Discard, reader) // not JSON: nothing to learn, and nobody may wait for us
				return
			}
			if line.Message == "serving" {
				address <- line.Address
			}
		}
	}()
	return writer, address
}
