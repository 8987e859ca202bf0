package bulk

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/page"
	"auth-v2-service/internal/pg"
)

// States of a run.
const (
	Running = "running"
	Paused  = "paused"
	Stopped = "stopped" // by an operator, for good
	Done    = "done"
)

// Kinds of runs.
const (
	KindMove   = "move"   // to Firebase
	KindReturn = "return" // from Firebase
)

// Reasons of a pause.
const (
	ReasonOperator    = "operator"
	ReasonInterrupted = "interrupted" // the command got a signal
	ReasonCanary      = "canary"
	ReasonErrors      = "max_errors"
	ReasonTraffic     = "traffic" // R2
	ReasonQuota       = "quota"
	ReasonUnreachable = "unreachable"
	ReasonRefused     = "provider_refused"
	ReasonHashes      = "hashes_hidden" // the service lacks firebaseauth.configs.getHashConfig
)

// Outcomes of a user.
const (
	outcomePending = "pending"
	outcomeMoved   = "moved"
	outcomeSkipped = "skipped"
	outcomeFailed  = "failed"
)

const codeClaimLapsed = "claim_lapsed"

// Target is where users move to.
type Target struct{ Project, Tenant string }

// String implements fmt.Stringer.
func (t Target) String() string {
	if t.Tenant == "" {
		return t.Project
	}
	return t.Project + ", tenant " + t.Tenant
}

// Run is one operation on many users. Zero times are unknown.
type Run struct {
	ID            uuid.UUID
	State, Reason string
	Target        Target
	Plan
	StartedBy              string
	StartedAt, EndedAt     time.Time
	AfterID                uuid.UUID
	Page                   string // of Firebase's export, of a return
	Moved, Skipped, Failed int64
	Pending                int64
	// Codes count the failures.
	Codes map[string]int64
	// Pace is the limit since Firebase refused more; 0: none.
	Pace          float64
	ThrottledAt   time.Time
	CanaryAt      time.Time
	CanaryFailure string
	// Carried: an instance or a command works on it.
	Carried bool
}

// ErrNoRun reports an unknown id.
var ErrNoRun = fault.New(fault.NotFound, "there is no such run")

// Read returns a run. Error: ErrNoRun.
func (s *Service) Read(ctx context.Context, id uuid.UUID) (Run, error) {
	return readRun(ctx, s.Pool, id)
}

func readRun(ctx context.Context, from db.DBTX, id uuid.UUID) (Run, error) {
	row, err := db.New().BulkRun(ctx, from, id)
	if pg.NoRows(err) {
		return Run{}, ErrNoRun
	}
	if err != nil {
		return Run{}, fmt.Errorf("read run %s: %w", id, pg.Fault(err))
	}
	codes, err := db.New().BulkRunCodes(ctx, from, id)
	if err != nil {
		return Run{}, fmt.Errorf("count the failures of run %s: %w", id, pg.Fault(err))
	}
	return fromRow(row, codes), nil
}

func fromRow(row db.BulkRunRow, codes []db.BulkRunCodesRow) Run {
	r := Run{
		ID: row.ID, State: row.State, Reason: or(row.Reason), Target: Target{row.ProjectID, row.Tenant},
		Page: row.PageToken,
		Plan: Plan{
			Kind: row.Kind, Selection: row.Selection, Buckets: int(row.Buckets), digest: row.IdsDigest, Rate: int(row.Rate), Parallel: int(row.Parallel),
			MaxErrors: int(row.MaxErrors),
		},
		StartedBy: row.StartedBy, StartedAt: row.StartedAt, EndedAt: or(row.EndedAt), AfterID: or(row.AfterID),
		Moved: row.Moved, Skipped: row.Skipped, Failed: row.Failed, Codes: map[string]int64{},
		Pace: row.Pace, ThrottledAt: or(row.ThrottledAt), CanaryAt: or(row.CanaryAt), CanaryFailure: or(row.CanaryFailure), Carried: row.Carried,
	}
	for _, c := range codes {
		if c.Outcome == outcomePending {
			r.Pending += c.Users
		} else {
			r.Codes[c.Code] += c.Users
		}
	}
	return r
}

func or[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

type place struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

// List returns a page, the newest first, and the next cursor, "" at the end. Error: page.ErrInvalidCursor.
func (s *Service) List(ctx context.Context, cursor string, size page.Size) (runs []Run, next string, err error) {
	var from place
	if err := page.Decode(cursor, &from); err != nil {
		return nil, "", err
	}
	params := db.BulkRunsParams{PageSize: size.OneMore(), BeforeID: from.ID}
	if !from.At.IsZero() {
		params.Before = &from.At
	}
	rows, err := s.queries.BulkRuns(ctx, s.Pool, params)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", pg.Fault(err))
	}
	rows, last := page.Trim(rows, size)
	if last != nil {
		next = page.Encode(place{last.StartedAt, last.ID})
	}
	for _, row := range rows {
		run, err := s.Read(ctx, row.ID)
		if err != nil {
			return nil, "", err
		}
		runs = append(runs, run)
	}
	return runs, next, nil
}
