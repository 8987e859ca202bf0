package fbsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/user"
)

// Refusals of a reconciliation, besides *WrongProjectError.
var (
	ErrNotNow     = errors.New("another reconciliation is under way")
	ErrListCut    = errors.New("accounts that were not in Firebase's list are there when looked up: the list was cut short, and nobody was disabled")
	ErrManyGone   = errors.New("more accounts are gone than any run may believe (10, or 0.5 % of the rows): nobody was disabled; if it is true, authd users reconcile --max-gone N disables up to N")
	errListLoops  = errors.New("the list of Firebase leads back to a page that it has shown")
	errPlaceTaken = errors.New("the reconciliation took so long over a page that another one has taken its place")
)

// Rows is the part of *user.Store in use.
type Rows interface {
	OutOfStep(ctx context.Context, accounts []firebase.User) ([]firebase.User, error)
	Sync(ctx context.Context, uid, actor string) (user.Synced, error)
}

// ReconcilerOptions configure a Reconciler. Only Clocks are optional.
type ReconcilerOptions struct {
	Pool     *pgxpool.Pool
	Accounts Accounts
	Rows     Rows
	Outbox   *Outbox
	Project  Project
	// OnChange runs after the commit for each disabled or cleared row.
	OnChange func(ctx context.Context, id uuid.UUID)
	Logger   *slog.Logger
	Clocks   *clock.Clocks
}

// Reconciler compares the rows with Firebase (S2).
type Reconciler struct {
	ReconcilerOptions
	queries *db.Queries
}

// NewReconciler returns a reconciler.
func NewReconciler(o ReconcilerOptions) *Reconciler {
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	return &Reconciler{ReconcilerOptions: o, queries: db.New()}
}

// Report counts results. A dry run changes nothing.
type Report struct {
	Listed        int           `json:"listed"`
	WithoutRow    int           `json:"without_row"`
	Owed          int           `json:"owed"`            // accounts that differ from their rows: a job each
	Updated       int           `json:"updated"`         // rows brought to their accounts
	Failed        int           `json:"failed"`          // rows that cannot follow
	Gone          int           `json:"gone"`            // rows disabled without an account
	FoundByLookUp int           `json:"found_by_lookup"` // unlisted accounts that exist
	Cleared       int           `json:"cleared"`         // stale registrations deleted
	DryRun        bool          `json:"dry_run"`
	Took          time.Duration `json:"-"`
}

type run struct {
	*Reconciler
	actor   string
	who     string
	dry     bool
	maxGone int
	began   time.Time // by PostgreSQL's clock
	mu      sync.Mutex
	Report
}

// Run reconciles once. It repairs each page at once, but believes that an account is gone only after the whole list and a look-up. It
// audits each change and the run. Memory does not grow with the table. After an error earlier repairs stay. Errors: *WrongProjectError,
// ErrNotNow, ErrListCut, ErrManyGone, or an outage.
func (r *Reconciler) Run(ctx context.Context, o RunOptions) (Report, error) {
	return r.runAfter(ctx, o, 0)
}

// RunOptions configure one run.
type RunOptions struct {
	// Actor is the audit's actor: "system", "cli:<name>".
	Actor  string
	DryRun bool
	// MaxGone is the limit of gone accounts. 0 means S2's.
	MaxGone int
}

func (r *Reconciler) runAfter(ctx context.Context, o RunOptions, every time.Duration) (Report, error) {
	if err := remember(ctx, r.Pool, r.Project); err != nil {
		return Report{}, err
	}
	this := &run{
		Reconciler: r, actor: o.Actor, who: o.Actor + " " + uuid.NewString(), dry: o.DryRun, maxGone: o.MaxGone,
		Report: Report{DryRun: o.DryRun},
	}
	began := time.Now()
	var err error
	this.began, err = r.queries.BeginReconcile(ctx, r.Pool, db.BeginReconcileParams{Who: this.who, EverySeconds: every.Seconds()})
	if pg.NoRows(err) {
		return Report{}, ErrNotNow
	}
	if err != nil {
		return Report{}, fmt.Errorf("begin to reconcile: %w", pg.Fault(err))
	}
	err = this.all(ctx)
	this.Took = time.Since(began)
	return this.Report, errors.Join(err, this.end(context.WithoutCancel(ctx), err))
}

func (r *run) all(ctx context.Context) error {
	if err := r.queries.ForgetListed(ctx, r.Pool); err != nil {
		return fmt.Errorf("forget the last list: %w", pg.Fault(err))
	}
	for _, part := range []func(context.Context) error{r.list, r.missing, r.registrations} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return r.queries.ForgetListed(ctx, r.Pool)
}

// A failed run does not count as done.
func (r *run) end(ctx context.Context, outcome error) error {
	ended := db.EndReconcileParams{Who: r.who}
	details := map[string]any{
		"listed": r.Listed, "without_row": r.WithoutRow, "owed": r.Owed, "updated": r.Updated, "failed": r.Failed, "gone": r.Gone,
		"found_by_lookup": r.FoundByLookUp, "cleared": r.Cleared, "dry_run": r.dry, "seconds": r.Took.Seconds(),
	}
	action := "reconcile.finished"
	if outcome != nil {
		action, details["reason"] = "reconcile.stopped", reason(outcome)
	} else if !r.dry {
		ended.ReconciledAt = &r.began
	}
	return pg.InTx(ctx, r.Pool, func(tx pgx.Tx) error {
		if err := audit.Record(ctx, tx, audit.Event{Action: action, Actor: r.actor, Details: details}); err != nil {
			return err
		}
		return r.queries.EndReconcile(ctx, tx, ended)
	})
}

func reason(err error) string {
	switch {
	case errors.Is(err, ErrListCut):
		return "list_cut"
	case errors.Is(err, ErrManyGone):
		return "many_gone"
	}
	return string(fault.CodeOf(err))
}

// keep extends the run's lease.
func (r *run) keep(ctx context.Context) error {
	kept, err := r.queries.KeepReconciling(ctx, r.Pool, r.who)
	if err != nil {
		return fmt.Errorf("keep the place: %w", pg.Fault(err))
	}
	if kept == 0 {
		return errPlaceTaken
	}
	return nil
}

func (r *run) list(ctx context.Context) error {
	for page := ""; ; {
		if err := r.keep(ctx); err != nil {
			return err
		}
		accounts, next, err := r.Accounts.List(ctx, page)
		if err != nil {
			return fmt.Errorf("list Firebase's accounts: %w", err)
		}
		if err := r.page(ctx, accounts); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		if next == page {
			return errListLoops
		}
		page = next
	}
}

func (r *run) page(ctx context.Context, accounts []firebase.User) error {
	accounts = r.storable(accounts)
	if len(accounts) == 0 {
		return nil
	}
	uids := make([]string, len(accounts))
	for i, account := range accounts {
		uids[i] = account.UID
	}
	fresh, err := r.queries.NoteListed(ctx, r.Pool, uids)
	if err != nil {
		return fmt.Errorf("note who was listed: %w", pg.Fault(err))
	}
	if fresh == 0 {
		return errListLoops
	}
	rows, err := r.queries.RowsOfPage(ctx, r.Pool, uids)
	if err != nil {
		return fmt.Errorf("read the rows of a page: %w", pg.Fault(err))
	}
	r.Listed += len(accounts)
	r.WithoutRow += len(accounts) - len(rows)
	return r.compare(ctx, accounts, rows)
}

// storable drops UIDs that PostgreSQL cannot store: one would fail the page.
func (r *run) storable(accounts []firebase.User) []firebase.User {
	kept := slices.DeleteFunc(slices.Clone(accounts), func(account firebase.User) bool { return !firebase.Storable(account.UID) })
	r.Listed += len(accounts) - len(kept)
	r.Failed += len(accounts) - len(kept)
	return kept
}

func (r *run) compare(ctx context.Context, accounts []firebase.User, rows []db.RowsOfPageRow) error {
	byUID := make(map[string]db.RowsOfPageRow, len(rows))
	for _, row := range rows {
		byUID[*row.FirebaseUID] = row
	}
	var known []firebase.User
	for _, account := range accounts {
		row, found := byUID[account.UID]
		if !found {
			continue
		}
		known = append(known, account)
		s := stateOf(db.OwedStateRow{
			FirebaseUID: row.FirebaseUID, AuthProvider: row.AuthProvider, FederationStatus: row.FederationStatus,
			TokensValidAfter: row.TokensValidAfter, Admitted: row.Admitted, Reactivated: row.Reactivated,
		})
		if _, differs := due(s, account, r.Clocks.FirebaseNow()); differs && s.uid != "" && !s.registering {
			r.Owed++
			if err := r.owe(ctx, row.ID); err != nil {
				return err
			}
		}
	}
	differing, err := r.Rows.OutOfStep(ctx, known)
	if err != nil {
		return err
	}
	if r.dry {
		r.Updated += len(differing)
		return nil
	}
	return r.sync(ctx, differing)
}

func (r *run) owe(ctx context.Context, id uuid.UUID) error {
	if r.dry {
		return nil
	}
	return pg.InTx(ctx, r.Pool, func(tx pgx.Tx) error { return r.Outbox.Enqueue(ctx, tx, id) })
}

const atOnce = 4

func (r *run) sync(ctx context.Context, accounts []firebase.User) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, account := range accounts {
		group.Go(func() error { return r.syncOne(ctx, account.UID) })
	}
	return group.Wait()
}

// stops reports whether other accounts would fail too.
func stops(err error) bool {
	if ofOneRow(err) {
		return false
	}
	switch fault.CodeOf(err) {
	case fault.DependencyUnavailable, fault.RateLimited:
		return true
	case fault.Internal:
		return true
	default:
		return false
	}
}

func ofOneRow(err error) bool {
	return pg.BadValues(err) || pg.Blocked(err) || errors.Is(err, user.ErrCrowded)
}

func (r *run) syncOne(ctx context.Context, uid string) error {
	synced, err := r.Rows.Sync(ctx, uid, r.actor)
	if err != nil && stops(err) {
		return err
	}
	if err != nil {
		r.Logger.WarnContext(ctx, "an account cannot be brought in step with its row", telemetry.FieldError, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil || synced.Outcome == user.SyncFailed:
		r.Failed++
	case synced.Outcome == user.SyncUpdated:
		r.Updated++
	}
	return nil
}
