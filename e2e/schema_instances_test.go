package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// All become ready, and each migration runs once.
func TestInstances_TwentyAtOnceOnAnEmptyDatabase_D1(t *testing.T) {
	const instances = 20
	binary, shared := programs.Authd(t), servicetest.NewStack(t)
	for round := range 3 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			stack := onEmpty(t, shared)
			began := time.Now()
			var all []*instance
			for range instances {
				all = append(all, launch(t, binary, stack, migrating))
			}
			var migrated []string
			for _, i := range all {
				i.awaitReady(t)
				migrated = append(migrated, i.logged("migrated", "migration")...)
			}
			t.Logf("%d instances were ready %s after the first was started", instances, time.Since(began).Round(time.Millisecond))
			if slices.Sort(migrated); !slices.Equal(migrated, schema.Files()) {
				t.Errorf("D1: applied over all instances were %v, expected each once: %v", migrated, schema.Files())
			}
			expectInStep(t, stack)
		})
	}
}
