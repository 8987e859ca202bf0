package servicetest

import (
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"auth-v2-service/internal/testkit/pgbouncer"
)

// EnvVia puts instances behind a pooler (D6): "pgbouncer" those of every test, "half:WORD" those of half the tests, which the word chooses.
// EnvDirect is a pattern of tests that "half" leaves out.
const (
	EnvVia    = "TEST_DATABASE_VIA"
	EnvDirect = "TEST_DATABASE_DIRECT"
)

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
	via := os.Getenv(EnvVia)
	word, half := strings.CutPrefix(via, "half:")
	switch {
	case via == "":
	case via == "pgbouncer", half && chosen(word, os.Getenv(EnvDirect), t.Name()):
		s.Pooled(t, nil)
	case !half:
		t.Fatalf("%s is %q, expected pgbouncer, half:WORD or nothing", EnvVia, via)
	}
}

func chosen(word, direct, test string) bool {
	test, _, _ = strings.Cut(test, "/")
	if direct != "" && regexp.MustCompile(direct).MatchString(test) {
		return false
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(word + " " + test))
	return sum.Sum32()>>16%2 == 0
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
