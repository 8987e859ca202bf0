package schema

import (
	"context"
	"fmt"
	"time"

	"auth-v2-service/internal/sleep"
)

// worker has no space: the two drivers decode one differently.
const worker = "authd-migrate-"

// endStaleBackends ends killed migrators' sessions, which run until the server notices. It ignores sessions that this role may not end: any
// role can use the name.
func (r *runner) endStaleBackends(ctx context.Context) error {
	began := time.Now()
	told := map[int]bool{}
	for {
		orphans, err := r.staleBackends(ctx)
		if err != nil || len(orphans) == 0 {
			return err
		}
		if waited := time.Since(began); waited >= r.patience {
			return fmt.Errorf("end the sessions of killed migrators: %w", &LockedError{Waited: waited, Blockers: orphans})
		}
		for _, orphan := range orphans {
			_, err := r.conn.Exec(ctx, "SELECT pg_terminate_backend($1)", orphan.PID)
			if !told[orphan.PID] {
				r.log.WarnContext(ctx, "ending the session of a migrator that is gone", "pid", orphan.PID, "ended", err == nil)
			}
			told[orphan.PID] = true
		}
		if err := sleep.Context(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for the end of a killed migrator's session: %w", err)
		}
	}
}

func (r *runner) staleBackends(ctx context.Context) ([]Blocker, error) {
	return sessions(ctx, r.conn, "datname = current_database() AND starts_with(application_name, $1) AND pg_has_role(usesysid, 'USAGE')", worker)
}
