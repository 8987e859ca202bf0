package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/servicetest"
)

var migrating = map[string]string{"MIGRATE_ON_START": "on", "DB_POOL_MAX": "2"}

func onEmpty(t *testing.T, stack *servicetest.Stack) *servicetest.Stack {
	t.Helper()
	return stack.Over(t, pgtest.Empty(t))
}

type instance struct {
	*child.Process
	log *servicetest.Log
}

// launch does not wait for readiness.
func launch(t *testing.T, binary string, stack *servicetest.Stack, changes map[string]string) *instance {
	t.Helper()
	variables := stack.Environment()
	maps.Copy(variables, changes)
	environment := []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range variables {
		environment = append(environment, name+"="+value)
	}
	i := &instance{log: &servicetest.Log{}}
	var err error
	if i.Process, err = child.Start(child.Options{Path: binary, Args: []string{"serve"}, Env: environment, Stderr: i.log}); err != nil {
		t.Fatalf("start authd: %v", err)
	}
	t.Cleanup(func() { i.kill(t) })
	return i
}

func (i *instance) kill(t *testing.T) {
	t.Helper()
	_ = i.Signal(syscall.SIGKILL)
	select {
	case <-i.Done():
	case <-time.After(10 * time.Second):
		t.Error("authd lives 10 s after kill -9")
	}
}

// logged returns an attribute of all lines with this message; "" if absent.
func (i *instance) logged(message, attribute string) (values []string) {
	for line := range strings.Lines(i.log.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			value, _ := fields[attribute].(string)
			values = append(values, value)
		}
	}
	return values
}

func (i *instance) awaitReady(t *testing.T) string {
	t.Helper()
	var address string
	waitFor(t, 90*time.Second, "authd is ready", func() bool {
		select {
		case <-i.Done():
			t.Fatalf("authd ended before it was ready: %v\n%s", i.Err(), i.log)
		default:
		}
		found := i.logged("serving", "server.address")
		if len(found) == 0 {
			return false
		}
		address = "http://" + found[0]
		return isReady(t.Context(), address)
	})
	return address
}

func isReady(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/health/ready", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// expectInStep requires the exact schema, with each migration recorded once.
func expectInStep(t *testing.T, stack *servicetest.Stack) {
	t.Helper()
	report, err := schema.Validate(t.Context(), stack.DB)
	if err != nil {
		t.Fatal(err)
	}
	if report.State != schema.InStep {
		t.Errorf("the schema is %s: %s", report.State, report.Summary())
	}
	recorded := count(t, stack, "auth.schema_migrations")
	if recorded != len(schema.Files()) || len(report.Applied) != recorded {
		t.Errorf("D1: %d migrations are recorded, expected %d", recorded, len(schema.Files()))
	}
}

func number(t *testing.T, stack *servicetest.Stack, query string, arguments ...any) (n int) {
	t.Helper()
	if err := stack.DB.QueryRow(t.Context(), query, arguments...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
