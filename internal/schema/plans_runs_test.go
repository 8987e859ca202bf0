package schema_test

import (
	"context"
	"time"

	"github.com/google/uuid"

	queries "auth-v2-service/gen/db"
)

// queriesOfRuns are those of bulk_runs.sql and returns.sql.
func queriesOfRuns() []func(context.Context, *queries.Queries, queries.DBTX) {
	person, stranger, run, now := personID(777), uuid.New(), personID(5), time.Now()
	uid, some := person.String(), []uuid.UUID{person, stranger}
	return []func(context.Context, *queries.Queries, queries.DBTX){
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.StartBulkRun(ctx, db, queries.StartBulkRunParams{
				ID: stranger, Kind: "move", ProjectID: "x", Selection: "all", Parallel: 1, MaxErrors: 10, StartedBy: "test",
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.AddBulkRunUsers(ctx, db, queries.AddBulkRunUsersParams{RunID: run, Ids: some})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.ExistingUsers(ctx, db, some) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.BulkRun(ctx, db, run) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.UnfinishedBulkRun(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.BulkRuns(ctx, db, queries.BulkRunsParams{Before: &now, BeforeID: run, PageSize: 50})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.BulkRunsToCarry(ctx, db, queries.BulkRunsToCarryParams{ProjectID: "demo-test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LeaseBulkRun(ctx, db, queries.LeaseBulkRunParams{ID: run, LeaseBy: stranger, LeaseSeconds: 10})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.KeepBulkRun(ctx, db, queries.KeepBulkRunParams{ID: run, LeaseBy: stranger, LeaseSeconds: 10})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.LeaveBulkRun(ctx, db, queries.LeaveBulkRunParams{ID: run, LeaseBy: stranger})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.HoldBulkRun(ctx, db, run) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SetBulkRunState(ctx, db, queries.SetBulkRunStateParams{ID: run, State: "done"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RetryBulkRunUsers(ctx, db, run)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.BulkCandidates(ctx, db, queries.BulkCandidatesParams{After: &person, RunID: run, PageSize: 100})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.PendingBulkUsers(ctx, db, queries.PendingBulkUsersParams{RunID: run, After: &person, PageSize: 100})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.RecordBulkUsers(ctx, db, queries.RecordBulkUsersParams{
				RunID: run, UserIds: some, Outcomes: []string{"moved", "failed"}, Codes: []string{"imported", "x"},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.AdvanceBulkRun(ctx, db, queries.AdvanceBulkRunParams{ID: run, AfterID: person, LeaseBy: stranger})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.NoteBulkCanary(ctx, db, queries.NoteBulkCanaryParams{ID: run, LeaseBy: stranger})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.AdvanceReturn(ctx, db, queries.AdvanceReturnParams{ID: run, LeaseBy: stranger, PageToken: "next"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ReturnCandidates(ctx, db, queries.ReturnCandidatesParams{
				RunID: run, FirebaseUids: []string{uid, stranger.String()}, Hashes: [][]byte{{1}, {}}, Salts: [][]byte{{1}, {}}, PasswordSetAts: []time.Time{now, now},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ReturnUsers(ctx, db, queries.ReturnUsersParams{
				Ids: some, FirebaseUids: []string{uid, stranger.String()}, Emails: []string{"a@example.com", "b@example.com"},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UndoReturns(ctx, db, queries.UndoReturnsParams{RunID: run, Ids: some, Formers: []string{"hybrid", "firebase"}})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UsersAtFirebase(ctx, db, queries.UsersAtFirebaseParams{RunID: run, After: &person, PageSize: 100})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.PendingReturns(ctx, db, queries.PendingReturnsParams{RunID: run, After: &person, PageSize: 100})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.HashConfigs(ctx, db, "x") },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.MovedUsers(ctx, db, run) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.BulkRunCodes(ctx, db, run) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.MovableUsers(ctx, db, queries.MovableUsersParams{After: &person, PageSize: 100})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.MovableUsersByID(ctx, db, some)
		},
	}
}
