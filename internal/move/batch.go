package move

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/detach"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/user"
)

// MaxBatch leaves room for Batch.Canary.
const MaxBatch = firebase.MaxImport - 1

// Batch is many users to move.
type Batch struct {
	IDs   []uuid.UUID // at most MaxBatch
	Actor string
	// Details go into each moved user's audit.
	Details map[string]any
	// Canary is imported too. May be nil.
	Canary *firebase.ImportUser
	// Record joins the settling transactions, up to two, each with other results.
	Record func(ctx context.Context, tx pgx.Tx, results []Result) error
}

// Result has the way of a moved user, or the reason, as Code.
type Result struct {
	ID            uuid.UUID
	Outcome, Code string
}

// Report says what a batch left.
type Report struct {
	Moved    int
	Imported int         // of the moved
	Released []uuid.UUID // not recorded: the next batch tries them again
	Canary   bool        // was imported
	Trouble  error       // of the provider
}

const (
	codeAccountForeign = "account_foreign" // its owner's sign-in decides, by the password
	codeUnsettled      = "unsettled"
)

const lookUpsAtOnce = 8

type batch struct {
	*Mover
	Batch
	by     string
	canary bool
	users  map[uuid.UUID]*batchUser
}

type batchUser struct {
	claimedUser
	email  string
	target target
	err    error
}

// Move takes users to Firebase by one claim, one import and one transaction. It needs no intents: a killed caller's claims lapse, and the
// next try looks at Firebase (M2). Cancelling ctx does not stop claimed moves. After an error some users are not recorded: they are local
// or lapse.
func (m *Mover) Move(ctx context.Context, b Batch) (Report, error) {
	if !m.policy.Allowed {
		return Report{}, ErrNotMovable
	}
	w := m.newBatch(b)
	if err := w.claim(ctx); err != nil {
		return Report{}, fmt.Errorf("claim users: %w", pg.Fault(err))
	}
	ctx, cancel := detach.Context(ctx, m.lapse*3/4)
	defer cancel()
	return w.end(ctx, w.provision(ctx))
}

func (m *Mover) newBatch(b Batch) *batch {
	return &batch{Mover: m, Batch: b, by: uuid.NewString(), users: map[uuid.UUID]*batchUser{}}
}

func (b *batch) end(ctx context.Context, trouble error) (Report, error) {
	report := Report{Canary: b.canary, Trouble: trouble}
	moved, err := b.finish(ctx)
	report.Moved = len(moved)
	if err == nil {
		report.Released, err = b.release(ctx, trouble)
	}
	for _, id := range moved {
		if b.users[id].target.fresh {
			report.Imported++
		}
		b.onMove(OutcomeMoved)
		b.onChange(context.WithoutCancel(ctx), id)
	}
	return report, err
}

func (b *batch) claim(ctx context.Context) error {
	rows, err := b.queries.ClaimMoves(ctx, b.pool, db.ClaimMovesParams{
		Ids: b.IDs, ClaimedBy: b.by, Trust: b.policy.Verified.Trust, ColumnName: b.policy.Verified.Column,
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		b.add(toClaimedUser(row, b.by))
	}
	others := slices.DeleteFunc(slices.Clone(b.IDs), func(id uuid.UUID) bool { return b.users[id] != nil })
	if len(others) == 0 {
		return nil
	}
	taken, err := b.takeOver(ctx, b.pool, others, b.by)
	for _, p := range taken {
		b.add(p)
	}
	return err
}

func (b *batch) add(p claimedUser) {
	p.actor = b.Actor
	b.users[p.id] = &batchUser{claimedUser: p}
}

// provision returns the provider's trouble. Each user has a target or an error then.
func (b *batch) provision(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.lapse/2)
	defer cancel()
	fresh, lapsed := b.byClaim()
	absent, trouble := b.find(ctx, lapsed)
	if trouble != nil {
		b.stop(fresh, trouble)
		return trouble
	}
	return b.importAll(ctx, append(fresh, absent...), b.Canary != nil)
}

func (b *batch) byClaim() (fresh, lapsed []*batchUser) {
	for _, u := range b.users {
		u.email, u.err = user.CanonicalEmail(u.stored)
		switch {
		case u.err != nil:
			u.err = stopped(codeInvalidEmail, u.err)
		case u.takenOver:
			lapsed = append(lapsed, u)
		default:
			fresh = append(fresh, u)
		}
	}
	byID := func(a, b *batchUser) int { return cmp.Compare(a.id.String(), b.id.String()) }
	slices.SortFunc(fresh, byID)
	return fresh, lapsed
}

func (b *batch) find(ctx context.Context, users []*batchUser) (absent []*batchUser, trouble error) {
	for part := range slices.Chunk(users, firebase.MaxLookUp) {
		uids := make([]string, len(part))
		for i, u := range part {
			uids[i] = u.id.String()
		}
		there, err := b.identities.Users(ctx, uids)
		for _, u := range part {
			account, exists := there[u.id.String()]
			switch {
			case err != nil:
				u.err, trouble = errUnsettled{err}, err
			case exists:
				if u.target, u.err = found(account, u.email); u.err == nil && u.rehashed {
					u.err = b.withdrawFormer(ctx, u.claimedUser)
				}
			case u.rehashed:
				u.err = notMovable{CodeChanged}
			default:
				absent = append(absent, u)
			}
		}
	}
	return absent, trouble
}

func (*batch) stop(users []*batchUser, err error) {
	for _, u := range users {
		u.err = err
	}
}

// importAll halves a refused request until the culprit stands alone (M3).
func (b *batch) importAll(ctx context.Context, users []*batchUser, canary bool) error {
	var sent []*batchUser
	var accounts []firebase.ImportUser
	for _, u := range users {
		account, err := toImport(u.claimedUser, u.email)
		if err != nil {
			u.err = err
			continue
		}
		sent, accounts = append(sent, u), append(accounts, account)
	}
	if len(sent) == 0 {
		return nil
	}
	if canary {
		accounts = append(accounts, *b.Canary)
	}
	failures, err := b.send(ctx, accounts)
	switch {
	case err == nil:
		return b.imported(ctx, sent, canary, failures)
	case errors.Is(err, firebase.ErrUnreachable):
		return b.lookAfterAll(ctx, sent, err)
	case !ofOneRow(err):
		b.stop(sent, err)
		return err
	case len(sent) == 1 && !canary:
		return b.settle(ctx, sent[0], err)
	case len(sent) == 1:
		return b.importAll(ctx, sent, false)
	}
	half := len(sent) / 2
	trouble := b.importAll(ctx, sent[:half], false)
	if trouble != nil {
		b.stop(sent[half:], trouble)
		return trouble
	}
	return b.importAll(ctx, sent[half:], canary)
}

func (b *batch) send(ctx context.Context, accounts []firebase.ImportUser) ([]firebase.ImportFailure, error) {
	ctx, cancel := context.WithTimeout(ctx, b.lapse/3)
	defer cancel()
	return b.identities.Import(ctx, accounts)
}

// Throttled reports that Firebase limits requests.
func Throttled(err error) bool {
	return errors.Is(err, firebase.ErrTooManyAttempts) || errors.Is(err, firebase.ErrQuota)
}

func ofOneRow(err error) bool {
	for _, refusal := range []error{
		firebase.ErrInvalidHash, firebase.ErrInvalidUser, firebase.ErrNotImported, firebase.ErrEmailExists, firebase.ErrUIDExists,
		firebase.ErrWeakPassword,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

func (b *batch) imported(ctx context.Context, sent []*batchUser, canary bool, failures []firebase.ImportFailure) error {
	refused := map[int]error{}
	for _, f := range failures {
		refused[f.Index] = f.Err
	}
	b.canary = b.canary || canary && refused[len(sent)] == nil
	var group errgroup.Group
	group.SetLimit(lookUpsAtOnce)
	for i, u := range sent {
		if refused[i] == nil {
			u.target, u.err = b.afterImport(ctx, u.claimedUser, u.email, nil)
			continue
		}
		group.Go(func() error { return b.settle(ctx, u, refused[i]) })
	}
	return group.Wait()
}

func (b *batch) settle(ctx context.Context, u *batchUser, refusal error) error {
	u.target, u.err = b.afterImport(ctx, u.claimedUser, u.email, refusal)
	if errors.Is(u.err, firebase.ErrEmailExists) {
		u.target, u.err = b.resolveEmailConflict(ctx, u.claimedUser, u.email)
	}
	switch {
	case u.err == nil && u.target.foreign:
		u.err = notMovable{codeAccountForeign}
	case u.err != nil && !errors.Is(u.err, ErrConflict) && (unsettled(u.err) || Throttled(u.err)):
		return u.err
	}
	return nil
}

func (b *batch) lookAfterAll(ctx context.Context, users []*batchUser, cause error) error {
	absent, trouble := b.find(ctx, users)
	b.stop(absent, cause)
	return errors.Join(cause, trouble)
}

func (b *batch) finish(ctx context.Context) ([]uuid.UUID, error) {
	var all []provided
	for _, u := range b.users {
		if u.err == nil {
			u.target.samePassword = u.target.fresh
			all = append(all, provided{u.claimedUser, u.target})
		}
	}
	moved, err := b.finishSome(ctx, all)
	if pg.UniqueViolation(err) != uidIndex {
		return moved, err
	}
	for _, one := range all {
		alone, err := b.finishSome(ctx, []provided{one})
		switch {
		case pg.UniqueViolation(err) == uidIndex:
			b.users[one.id].err = stopped(codeEmailOwned, err)
		case err != nil:
			return moved, err
		}
		moved = append(moved, alone...)
	}
	return moved, nil
}

func (b *batch) finishSome(ctx context.Context, users []provided) (moved []uuid.UUID, err error) {
	if len(users) == 0 {
		return nil, nil
	}
	err = pg.InTx(ctx, b.pool, func(tx pgx.Tx) (err error) {
		if moved, err = b.finishIn(ctx, tx, users, b.Details); err != nil {
			return err
		}
		results := make([]Result, len(moved))
		for i, id := range moved {
			results[i] = Result{id, OutcomeMoved, b.users[id].target.way}
		}
		return b.Record(ctx, tx, results)
	})
	if err != nil {
		return nil, fmt.Errorf("finish moves: %w", pg.Fault(err))
	}
	for _, u := range users {
		if !slices.Contains(moved, u.id) {
			b.users[u.id].err = b.withdraw(ctx, u)
		}
	}
	return moved, nil
}

// release records why users did not move. It returns those that the provider's trouble stopped.
func (b *batch) release(ctx context.Context, trouble error) (released []uuid.UUID, err error) {
	var results []Result
	back := map[uuid.UUID]error{}
	unclaimed := slices.DeleteFunc(slices.Clone(b.IDs), func(id uuid.UUID) bool { return b.users[id] != nil })
	why, _, err := b.states(ctx, unclaimed, b.by)
	if err != nil {
		return nil, err
	}
	for _, id := range unclaimed {
		results = append(results, resultOf(id, why[id]))
	}
	for id, u := range b.users {
		if u.err == nil {
			continue
		}
		result := resultOf(id, u.err)
		b.onMove(result.Outcome)
		if result.Outcome != OutcomeUnsettled || result.Code == CodeChanged {
			back[id] = u.err
		}
		switch {
		case result.Outcome == OutcomeReleased && trouble != nil:
			released = append(released, id)
			continue
		case result.Outcome == OutcomeReleased:
			result = Result{id, OutcomeUnsettled, CodeChanged}
		}
		results = append(results, result)
	}
	if len(results)+len(back) == 0 {
		return nil, nil
	}
	err = pg.InTx(ctx, b.pool, func(tx pgx.Tx) error {
		if err := b.releaseIn(ctx, tx, b.by, back); err != nil || len(results) == 0 {
			return err
		}
		return b.Record(ctx, tx, results)
	})
	if err != nil {
		return nil, fmt.Errorf("release users: %w", pg.Fault(err))
	}
	return released, nil
}

// resultOf names a row that a later try can move OutcomeUnsettled.
func resultOf(id uuid.UUID, err error) Result {
	var stop conflict
	var not notMovable
	switch {
	case errors.As(err, &not) && not.code == codeAccountForeign:
		return Result{id, OutcomeConflict, not.code}
	case errors.As(err, &not) && (not.code == CodeClaimed || not.code == CodeChanged):
		return Result{id, OutcomeUnsettled, not.code}
	case errors.As(err, &not):
		return Result{id, OutcomeNotMovable, not.code}
	case errors.As(err, &stop):
		return Result{id, OutcomeConflict, stop.code}
	case unsettled(err):
		return Result{id, OutcomeUnsettled, codeUnsettled}
	}
	return Result{ID: id, Outcome: OutcomeReleased}
}
