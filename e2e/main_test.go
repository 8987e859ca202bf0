// Package e2e tests the service as its users see it: over HTTP, against real parts, every answer held against the contract.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"auth-v2-service/internal/testkit/pgclient"
	"auth-v2-service/internal/testkit/servicetest"
)

// TestMain brings psql and pg_dump, which the pages of docs call. A server that it starts ends with this process.
func TestMain(m *testing.M) {
	if _, err := pgclient.Prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	servicetest.Main(m)
}
