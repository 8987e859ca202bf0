package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/telemetry"
)

// Refusals. Nothing has changed.
var (
	ErrUnfinished  = fault.New(fault.RunConflict, "another run is unfinished: resume it, or stop it for good")
	ErrTraffic     = fault.New(fault.RunConflict, "users move only when all traffic comes to this service: set the rollout's traffic to 100, or insist there")
	ErrLegacyOff   = fault.New(fault.InvalidRequest, "returned users could not sign in: set LEGACY_TOKENS to accept first")
	ErrWrongState  = fault.New(fault.RunConflict, "the state of this run does not allow that")
	ErrOtherTarget = fault.New(fault.RunConflict, "this run has another Firebase project or tenant as its target")
	ErrCarried     = fault.New(fault.RunConflict, "another instance or command carries this run")
)

// Start starts a run, or goes on with the unfinished one of the same target and selection, with its limits. carrier holds the lease
// then; uuid.Nil leaves the run to any instance. Errors: ErrInvalidPlan, rollout.ErrUndecided, ErrLegacyOff, ErrTraffic, ErrUnfinished,
// ErrOtherTarget, ErrCarried, those of operator.Hold.
func (s *Service) Start(ctx context.Context, plan Plan, by operator.Operator, carrier uuid.UUID) (Run, error) {
	plan = plan.withDefaults()
	if err := s.Allowed(ctx, plan); err != nil {
		return Run{}, err
	}
	id := uuid.New()
	err := pg.InTx(ctx, s.Pool, func(tx pgx.Tx) (err error) {
		if _, err := operator.Hold(ctx, tx, by); err != nil {
			return err
		}
		started, err := s.insert(ctx, tx, id, plan, by, carrier)
		if err != nil || started {
			return err
		}
		id, err = s.goOn(ctx, tx, plan, by, carrier)
		return err
	})
	if err != nil {
		return Run{}, fmt.Errorf("start a run: %w", pg.Fault(err))
	}
	return s.readChanged(ctx, id)
}

// Allowed refuses a plan as Start does, but for an unfinished run.
func (s *Service) Allowed(ctx context.Context, plan Plan) error {
	plan = plan.withDefaults()
	if err := plan.check(); err != nil {
		return err
	}
	switch {
	case plan.Kind == KindReturn && s.LegacyOff:
		return ErrLegacyOff
	case plan.Kind == KindReturn:
		return s.exist(ctx, plan.IDs)
	case !s.MovesAllowed:
		return rollout.ErrUndecided
	}
	record, err := rollout.Load(ctx, s.Pool)
	if err != nil {
		return err
	}
	if !record.Cohort(uuid.Nil).Open() {
		return ErrTraffic
	}
	return s.exist(ctx, plan.IDs)
}

const idsAtOnce = 10_000

const namedMissing = 5

func (s *Service) exist(ctx context.Context, ids []uuid.UUID) error {
	var missing []string
	count := 0
	for part := range slices.Chunk(ids, idsAtOnce) {
		known, err := s.queries.ExistingUsers(ctx, s.Pool, part)
		if err != nil {
			return fmt.Errorf("look for users: %w", pg.Fault(err))
		}
		if len(known) == len(part) {
			continue
		}
		there := make(map[uuid.UUID]bool, len(known))
		for _, id := range known {
			there[id] = true
		}
		for _, id := range part {
			if !there[id] {
				count++
				if len(missing) < namedMissing {
					missing = append(missing, id.String())
				}
			}
		}
	}
	if count == 0 {
		return nil
	}
	return invalid(fault.Field{Field: "ids", Message: fmt.Sprintf("%d are no users: %s", count, strings.Join(missing, ", "))})
}

func (s *Service) insert(ctx context.Context, tx pgx.Tx, id uuid.UUID, plan Plan, by operator.Operator, carrier uuid.UUID) (bool, error) {
	params := db.StartBulkRunParams{
		ID: id, Kind: plan.Kind, ProjectID: s.Target.Project, Tenant: s.Target.Tenant, Selection: plan.Selection, Buckets: int32(plan.Buckets), //nolint:gosec // checked
		IdsDigest: plan.digest, Rate: int32(plan.Rate), Parallel: int32(plan.Parallel), MaxErrors: int32(plan.MaxErrors), StartedBy: by.Actor, //nolint:gosec // checked
	}
	if carrier != uuid.Nil {
		params.LeaseBy, params.LeaseSeconds = &carrier, lease.Seconds()
	}
	if _, err := s.queries.StartBulkRun(ctx, tx, params); pg.NoRows(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	for part := range slices.Chunk(plan.IDs, idsAtOnce) {
		added, err := s.queries.AddBulkRunUsers(ctx, tx, db.AddBulkRunUsersParams{RunID: id, Ids: part})
		if err != nil {
			return false, err
		}
		if added != int64(len(part)) {
			return false, invalid(fault.Field{Field: "ids", Message: "a user was deleted meanwhile"})
		}
	}
	if err := s.record(ctx, tx, id, plan.Kind+".started", by.Actor, map[string]any{
		"project": s.Target.Project, "tenant": s.Target.Tenant, "selection": plan.Selection, "buckets": plan.Buckets, "ids": len(plan.IDs),
	}); err != nil {
		return false, err
	}
	if carrier != uuid.Nil {
		return true, nil
	}
	return true, s.Enqueue(ctx, tx, id)
}

func (s *Service) goOn(ctx context.Context, tx pgx.Tx, plan Plan, by operator.Operator, carrier uuid.UUID) (uuid.UUID, error) {
	id, err := s.queries.UnfinishedBulkRun(ctx, tx)
	if pg.NoRows(err) {
		return uuid.Nil, ErrUnfinished // it ended at this moment
	}
	if err != nil {
		return uuid.Nil, err
	}
	if _, err := s.queries.HoldBulkRun(ctx, tx, id); err != nil {
		return uuid.Nil, err
	}
	run, err := readRun(ctx, tx, id)
	switch {
	case err != nil:
		return uuid.Nil, err
	case run.State != Running && run.State != Paused:
		return uuid.Nil, ErrUnfinished // it ended at this moment
	case run.Target != s.Target:
		return uuid.Nil, ErrOtherTarget.With(fmt.Errorf("run %s", id))
	case !run.same(plan):
		return uuid.Nil, ErrUnfinished.With(fmt.Errorf("run %s", id))
	}
	if run.State != Running {
		if err := s.resumeIn(ctx, tx, id, by, carrier == uuid.Nil); err != nil {
			return uuid.Nil, err
		}
	}
	if carrier == uuid.Nil {
		return id, nil
	}
	return id, s.lease(ctx, tx, id, carrier)
}

// lease returns ErrCarried while another carrier holds the lease.
func (s *Service) lease(ctx context.Context, from db.DBTX, id, carrier uuid.UUID) error {
	held, err := s.queries.LeaseBulkRun(ctx, from, db.LeaseBulkRunParams{ID: id, LeaseBy: carrier, LeaseSeconds: lease.Seconds()})
	if err == nil && held == 0 {
		return ErrCarried.With(fmt.Errorf("run %s", id))
	}
	return err
}

// Unfinished returns the unfinished run, or ErrNoRun.
func (s *Service) Unfinished(ctx context.Context) (Run, error) {
	id, err := s.queries.UnfinishedBulkRun(ctx, s.Pool)
	if pg.NoRows(err) {
		return Run{}, ErrNoRun
	}
	if err != nil {
		return Run{}, fmt.Errorf("look for an unfinished run: %w", pg.Fault(err))
	}
	return s.Read(ctx, id)
}

// Pause stops a run between batches. Errors: ErrNoRun, ErrWrongState, those of operator.Hold.
func (s *Service) Pause(ctx context.Context, id uuid.UUID, by operator.Operator, reason string) (Run, error) {
	return s.change(ctx, id, by, func(tx pgx.Tx, state string) error {
		if state != Running {
			return ErrWrongState
		}
		return s.set(ctx, tx, id, Paused, reason, "paused", by.Actor)
	})
}

// Resume goes on with a paused run, on any instance. Errors: those of Pause, ErrTraffic, ErrOtherTarget.
func (s *Service) Resume(ctx context.Context, id uuid.UUID, by operator.Operator) (Run, error) {
	if err := s.mayGoOn(ctx, id); err != nil {
		return Run{}, err
	}
	return s.change(ctx, id, by, func(tx pgx.Tx, state string) error {
		if state != Paused {
			return ErrWrongState
		}
		return s.resumeIn(ctx, tx, id, by, true)
	})
}

func (s *Service) mayGoOn(ctx context.Context, id uuid.UUID) error {
	run, err := s.Read(ctx, id)
	switch {
	case err != nil:
		return err
	case run.Target != s.Target:
		return ErrOtherTarget
	}
	return s.Allowed(ctx, Plan{Kind: run.Kind})
}

func (s *Service) resumeIn(ctx context.Context, tx pgx.Tx, id uuid.UUID, by operator.Operator, wake bool) error {
	if err := s.set(ctx, tx, id, Running, "", "resumed", by.Actor); err != nil || !wake {
		return err
	}
	return s.Enqueue(ctx, tx, id)
}

// Stop ends a run for good. Users that moved stay moved. Errors: those of Pause.
func (s *Service) Stop(ctx context.Context, id uuid.UUID, by operator.Operator) (Run, error) {
	return s.change(ctx, id, by, func(tx pgx.Tx, state string) error {
		if state != Running && state != Paused {
			return ErrWrongState
		}
		return s.set(ctx, tx, id, Stopped, ReasonOperator, "stopped", by.Actor)
	})
}

// Retry tries the failed users of a done or paused run again. Errors: those of Resume; ErrWrongState also without failures;
// ErrUnfinished.
func (s *Service) Retry(ctx context.Context, id uuid.UUID, by operator.Operator) (Run, error) {
	if err := s.mayGoOn(ctx, id); err != nil {
		return Run{}, err
	}
	run, err := s.change(ctx, id, by, func(tx pgx.Tx, state string) error {
		if state != Done && state != Paused {
			return ErrWrongState
		}
		again, err := s.queries.RetryBulkRunUsers(ctx, tx, id)
		if err != nil {
			return err
		}
		if again == 0 {
			return ErrWrongState.With(errors.New("no user failed"))
		}
		if err := s.set(ctx, tx, id, Running, "", "retried", by.Actor); err != nil {
			return err
		}
		return s.Enqueue(ctx, tx, id)
	})
	if pg.UniqueViolation(err) == "bulk_runs_one_unfinished" {
		return Run{}, ErrUnfinished.With(err)
	}
	return run, err
}

func (s *Service) change(ctx context.Context, id uuid.UUID, by operator.Operator, apply func(tx pgx.Tx, state string) error) (Run, error) {
	err := pg.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		if _, err := operator.Hold(ctx, tx, by); err != nil {
			return err
		}
		state, err := s.queries.HoldBulkRun(ctx, tx, id)
		if pg.NoRows(err) {
			return ErrNoRun
		}
		if err != nil {
			return err
		}
		return apply(tx, state)
	})
	if err != nil {
		return Run{}, fmt.Errorf("change run %s: %w", id, pg.Fault(err))
	}
	return s.readChanged(ctx, id)
}

func (s *Service) readChanged(ctx context.Context, id uuid.UUID) (Run, error) {
	run, err := s.Read(ctx, id)
	if err == nil {
		s.OnState(run.Kind, run.State, run.Reason)
	}
	return run, err
}

func (s *Service) set(ctx context.Context, tx pgx.Tx, id uuid.UUID, state, reason, act, actor string) error {
	params := db.SetBulkRunStateParams{ID: id, State: state}
	details := map[string]any{}
	if reason != "" {
		params.Reason, details["reason"] = &reason, reason
	}
	kind, err := s.queries.SetBulkRunState(ctx, tx, params)
	if err != nil {
		return err
	}
	return s.record(ctx, tx, id, kind+"."+act, actor, details)
}

func (*Service) record(ctx context.Context, tx pgx.Tx, id uuid.UUID, action, actor string, details map[string]any) error {
	details["run_id"] = id.String()
	return audit.Record(ctx, tx, audit.Event{Action: action, Actor: actor, RequestID: telemetry.RequestID(ctx), Details: details})
}
