package servicetest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"auth-v2-service/internal/testkit/pgbouncer"
)

// EnvVia may be "pgbouncer" to put instances behind a pooler (D6).
const EnvVia = "TEST_DATABASE_VIA"

// Pooled puts later instances behind a PgBouncer.
func (s *Stack) Pooled(t testing.TB, settings pgbouncer.Settings) *pgbouncer.Pooler {
	t.Helper()
	pooler := pgbouncer.New(t, s.ServingURL, settings)
	s.Pooler, s.DatabaseURL = pooler, pooler.URL()
	t.Cleanup(func() { pooled.add(pooler.Traffic(t), pooler.Version(t)) })
	return pooler
}

func (s *Stack) pooledWhereAsked(t testing.TB) {
	t.Helper()
	switch via := os.Getenv(EnvVia); via {
	case "":
	case "pgbouncer":
		s.Pooled(t, nil)
	default:
		t.Fatalf("%s is %q, expected pgbouncer or nothing", EnvVia, via)
	}
}

var pooled traffic

type traffic struct {
	sync.Mutex
	version string
	stacks  int
	pgbouncer.Traffic
}

func (all *traffic) add(one pgbouncer.Traffic, version string) {
	all.Lock()
	defer all.Unlock()
	all.version = version
	if one.Transactions > 0 {
		all.stacks++
	}
	all.Transactions += one.Transactions
	all.Queries += one.Queries
}

func (all *traffic) demand() (code int) {
	all.Lock()
	defer all.Unlock()
	if all.stacks > 0 {
		report(fmt.Sprintf("%s, transaction mode: %d transactions of %d stacks went through", all.version, all.Transactions, all.stacks))
	}
	if os.Getenv(EnvVia) != "" && all.stacks == 0 {
		fmt.Printf("%s is set and nothing went through the pooler\n", EnvVia)
		return 1
	}
	return 0
}
