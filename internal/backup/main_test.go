package backup_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"auth-v2-service/internal/testkit/pgclient"
)

func TestMain(m *testing.M) {
	if os.Getenv(envChild) != "" {
		os.Exit(child())
	}
	code := 1
	end, err := pgclient.Prepare(context.Background())
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	end()
	os.Exit(code)
}
