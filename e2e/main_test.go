// Package e2e tests the service over HTTP with real parts, against the contract.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"auth-v2-service/internal/testkit/pgclient"
	"auth-v2-service/internal/testkit/servicetest"
)

// TestMain installs psql and pg_dump.
func TestMain(m *testing.M) {
	if _, err := pgclient.Prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	servicetest.Main(m)
}
