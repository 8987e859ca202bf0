// Package e2e tests the service as its users see it: over HTTP, against real parts, every answer held against the contract.
package e2e

import (
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }
