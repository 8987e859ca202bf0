package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	queries "auth-v2-service/gen/db"
)

// rows is EXPLAIN_ROWS or 100,000; a million takes a minute.
func rows(t *testing.T) int {
	t.Helper()
	text := os.Getenv("EXPLAIN_ROWS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("EXPLAIN_ROWS: %v", err)
	}
	return n
}

type explaining struct {
	pgx.Tx
	t     *testing.T
	plans map[string]string
}

var queryName = regexp.MustCompile(`^-- name: (\w+)`)

func (e explaining) note(ctx context.Context, sql string, args []any) {
	e.t.Helper()
	rows, err := e.Tx.Query(ctx, "EXPLAIN "+sql, args...)
	if err != nil {
		e.t.Fatalf("explain %s: %v", sql, err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		e.t.Fatalf("explain %s: %v", sql, err)
	}
	e.plans[queryName.FindStringSubmatch(sql)[1]] = strings.Join(plan, "\n")
}

func (e explaining) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	e.note(ctx, sql, args)
	return e.Tx.Exec(ctx, sql, args...)
}

func (e explaining) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	e.note(ctx, sql, args)
	return e.Tx.Query(ctx, sql, args...)
}

func (e explaining) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	e.note(ctx, sql, args)
	return e.Tx.QueryRow(ctx, sql, args...)
}

func plansOf(t *testing.T, d database) map[string]string {
	t.Helper()
	plans := map[string]string{}
	for _, run := range everyQuery() {
		tx, err := d.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		run(t.Context(), queries.New(), explaining{tx, t, plans})
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return plans
}

func everyQuery() []func(context.Context, *queries.Queries, queries.DBTX) {
	person, stranger := personID(777), uuid.New()
	uid, now, name := person.String(), time.Now(), "Somebody"
	nothing, some := json.RawMessage("{}"), []uuid.UUID{person, stranger}
	return append(queriesOfRuns(), []func(context.Context, *queries.Queries, queries.DBTX){
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ClaimRegistration(ctx, db, queries.ClaimRegistrationParams{ID: stranger, Email: "new@example.com", Username: &name, OtherUsername: &name})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.JoinRegistration(ctx, db, "person777@example.com")
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.AbandonRegistration(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RecordSignIn(ctx, db, queries.RecordSignInParams{FirebaseUID: uid, AuthTime: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.InsertAuditEvent(ctx, db, queries.InsertAuditEventParams{Action: "test", Actor: "test", UserID: &person, Details: nothing})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FirstSight(ctx, db, queries.FirstSightParams{
				ID: stranger, FirebaseUID: stranger.String(), Email: "new@example.com", Username: &name, OtherUsername: &name, ProviderData: nothing, AuthTime: now,
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FirstSights(ctx, db, newcomers(3))
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UsersByFirebaseUIDs(ctx, db, []string{uid, stranger.String()})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UsersByIDs(ctx, db, []uuid.UUID{person, stranger})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UsersByLegacyTokens(ctx, db, []uuid.UUID{person, stranger})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UserByFirebaseUID(ctx, db, uid)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.UserByID(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UserByEmail(ctx, db, "person777@example.com")
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LinkIdentity(ctx, db, queries.LinkIdentityParams{ProvedHash: new("x"), ID: person, FirebaseUID: stranger.String(), ProviderData: nothing})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.SetAsidePassword(ctx, db, queries.SetAsidePasswordParams{ID: person, Reason: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RelinkIdentity(ctx, db, queries.RelinkIdentityParams{ID: person, FirebaseUID: stranger.String(), GoneFirebaseUID: uid, ProviderData: nothing})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.StoreChangedEmail(ctx, db, queries.StoreChangedEmailParams{ID: person, FirebaseUID: uid, Email: "other@example.com"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.TouchLastLogin(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RevokeTokens(ctx, db, queries.RevokeTokensParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.EndLegacySessions(ctx, db, queries.EndLegacySessionsParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ChangeUsername(ctx, db, queries.ChangeUsernameParams{ID: person, Username: name})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.HoldToDelete(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.EndOtherChanges(ctx, db, queries.EndOtherChangesParams{UserID: person, ID: stranger})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _ = q.WaitForRows(ctx, db, "2000") },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _ = q.DeleteUser(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.InsertTombstone(ctx, db, queries.InsertTombstoneParams{UserID: stranger, FirebaseUID: &uid})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.Deleted(ctx, db, queries.DeletedParams{FirebaseUID: uid, AuthTime: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.AddressVerifiedByPlatform(ctx, db, queries.AddressVerifiedByPlatformParams{ID: person, ColumnName: "email_verified"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.ServiceKey(ctx, db, "facts") },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.MakeServiceKey(ctx, db, queries.MakeServiceKeyParams{Name: "facts", Key: make([]byte, 32)})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.HoldAPIKey(ctx, db, "a key") },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LoadVerificationKeys(ctx, db, "https://keys/5")
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.SaveVerificationKeys(ctx, db, queries.SaveVerificationKeysParams{Source: "https://keys/5", Keys: nothing, FetchedAt: now, FreshUntil: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RegisterLocal(ctx, db, queries.RegisterLocalParams{ID: stranger, Email: "new@example.com", Username: &name, OtherUsername: &name, PasswordHash: "x"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SignInCredentials(ctx, db, queries.SignInCredentialsParams{Email: "person777@example.com", UsualCost: 12, MaxCost: 14})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UserCredentials(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SetLocalPassword(ctx, db, queries.SetLocalPasswordParams{ID: person, PasswordHash: "x", OldPasswordHash: "y"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.MakeHashConfig(ctx, db, queries.MakeHashConfigParams{
				Project: "demo", Version: 7, SignerKey: make([]byte, 64), SaltSeparator: []byte{7}, Rounds: 8, MemoryCost: 14,
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FirebaseHashConfig(ctx, db, queries.FirebaseHashConfigParams{
				Project: "demo", Version: 7, SignerKey: make([]byte, 64), SaltSeparator: []byte{7}, Rounds: 8, MemoryCost: 14,
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.KeepFirebasePasswords(ctx, db, queries.KeepFirebasePasswordsParams{
				ConfigID: stranger, UserIds: []uuid.UUID{person, personID(778)}, Hashes: [][]byte{make([]byte, 64), make([]byte, 64)},
				Salts: [][]byte{{1}, {2}}, PasswordSetAts: []time.Time{now, now}, ReadAts: []time.Time{now, now},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RehashFirebasePassword(ctx, db, queries.RehashFirebasePasswordParams{
				ID: person, PasswordHash: "x", OldPasswordHash: "y", FirebaseHash: []byte{1}, FirebaseSalt: []byte{2},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.ForgetFirebasePassword(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FollowFirebasePassword(ctx, db, queries.FollowFirebasePasswordParams{ID: person, PasswordHash: "x", OldPasswordHash: "y"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.PasswordChangedAtFirebase(ctx, db, queries.PasswordChangedAtFirebaseParams{ID: person, PasswordHash: "x"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UsersByLegacyTokens(ctx, db, []uuid.UUID{person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.DeletedByID(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ProveEmail(ctx, db, queries.ProveEmailParams{ID: person, FirebaseUID: "x", Email: "x@example.com", ProvenAt: now, EndsSessions: true})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.IntentUnderWay(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _ = q.ForgetAddresses(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.RememberAddress(ctx, db, queries.RememberAddressParams{Name: "x", Seconds: 60})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.KnowsAddress(ctx, db, "x") },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.MoveConflict(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.InsertIntent(ctx, db, queries.InsertIntentParams{
				ID: stranger, Kind: "password", UserID: person, FirebaseUID: "x", Actor: "x",
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.EndIntent(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.EndPasswordIntent(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.RedatePasswordIntents(ctx, db, queries.RedatePasswordIntentsParams{UserID: person, SetAt: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.CarryLegacySession(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.MoveUnderWay(ctx, db, queries.MoveUnderWayParams{ID: person, Began: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.BeginLegacySession(ctx, db, queries.BeginLegacySessionParams{UserID: person, ID: stranger, Seed: []byte("x"), LifeSeconds: 60})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ContinueLegacySession(ctx, db, queries.ContinueLegacySessionParams{UserID: person, ID: uuid.New(), Seed: []byte("x"), BeganAt: now, LifeSeconds: 60})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.AdoptLegacySession(ctx, db, queries.AdoptLegacySessionParams{UserID: person, ID: stranger, Seed: []byte("x"), BeganAt: now, ExpiresAt: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LegacySession(ctx, db, queries.LegacySessionParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RotateLegacySession(ctx, db, queries.RotateLegacySessionParams{ID: person, LifeSeconds: 60})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.EndLegacySession(ctx, db, queries.EndLegacySessionParams{ID: person, UserID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LegacySessions(ctx, db, queries.LegacySessionsParams{UserID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.OwedState(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RowsOfPage(ctx, db, []string{uid, "nobody's"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ProvenRows(ctx, db, queries.ProvenRowsParams{After: &person, Page: 1000})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.ProvenPlace(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ComparedRows(ctx, db, queries.ComparedRowsParams{FirebaseUids: []string{uid}, Ids: []uuid.UUID{person}})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.DisableGone(ctx, db, queries.DisableGoneParams{ID: person, FirebaseUID: uid})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ClearRegistration(ctx, db, queries.ClearRegistrationParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _ = q.LockUser(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.EnabledAtFirebase(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.RememberProject(ctx, db, queries.RememberProjectParams{ProjectID: "demo"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.RememberedProject(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.BeginReconcile(ctx, db, queries.BeginReconcileParams{Who: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.KeepReconciling(ctx, db, "test")
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.EndReconcile(ctx, db, queries.EndReconcileParams{Who: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.CountAtFirebase(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.MissingRows(ctx, db, queries.MissingRowsParams{After: uid, Began: now})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.StaleRegistrations(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.NoteListed(ctx, db, []string{"somebody new"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _ = q.ForgetListed(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.OwedJobs(ctx, db, queries.OwedJobsParams{Most: 50})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.OwedJob(ctx, db, 777) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.OwedSummary(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.Rollout(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UseAPIKeyCredentials(ctx, db, queries.UseAPIKeyCredentialsParams{ID: "key 777", Hash: []byte("x")})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.CreateAPIKey(ctx, db, queries.CreateAPIKeyParams{ID: "a new key", Name: "test", Scope: "admin", Hash: []byte("x"), CreatedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RevokeAPIKey(ctx, db, queries.RevokeAPIKeyParams{ID: "key 777", RevokedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.APIKey(ctx, db, "key 777") },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.APIKeys(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.HoldUserType(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.GiveUserType(ctx, db, queries.GiveUserTypeParams{ID: person, UserType: "admin"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SetRollout(ctx, db, queries.SetRolloutParams{NewUsers: "local", Allow: []uuid.UUID{}, Deny: []uuid.UUID{}})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ClaimMoveCredentials(ctx, db, queries.ClaimMoveCredentialsParams{ID: person, ClaimedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ClaimMoves(ctx, db, queries.ClaimMovesParams{Ids: some, ClaimedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.TakeOverMoves(ctx, db, queries.TakeOverMovesParams{Ids: some, ClaimedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LapsedMoves(ctx, db, queries.LapsedMovesParams{LapseSeconds: 60, PageSize: 100})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.MoveStates(ctx, db, some) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FinishMoves(ctx, db, queries.FinishMovesParams{
				Ids: some, ClaimedBy: "test", FirebaseUids: []string{uid, stranger.String()}, Emails: []string{"a@example.com", "b@example.com"},
				PasswordHashes: []string{"x", "y"}, Admins: []bool{false, false}, OnePasswords: []bool{true, false},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.ReleaseMoves(ctx, db, queries.ReleaseMovesParams{Ids: some, ClaimedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.EndMoveClaims(ctx, db, queries.EndMoveClaimsParams{Ids: some, ClaimedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.FailMoveClaims(ctx, db, queries.FailMoveClaimsParams{Ids: some, Failures: []string{"x", "y"}, ClaimedBy: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.InsertAuditEvents(ctx, db, queries.InsertAuditEventsParams{
				Action: "test", Actor: "test", UserIds: some, Details: []json.RawMessage{nothing, nothing},
			})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_ = q.PasswordTakenByFirebase(ctx, db, queries.PasswordTakenByFirebaseParams{ID: person, PasswordHash: "x"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.RowBeforeSync(ctx, db, uid) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RowToSync(ctx, db, queries.RowToSyncParams{FirebaseUID: uid, Patience: "2000"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.RowsOfAccounts(ctx, db, []string{uid, personID(778).String()})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.WriteSync(ctx, db, queries.WriteSyncParams{ID: person, Email: "new@example.com", FederationStatus: "active", Facts: nothing})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _ = q.PlanEachTime(ctx, db) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SearchUsers(ctx, db, queries.SearchUsersParams{PageSize: 51, After: &person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SearchUsersByEmail(ctx, db, queries.SearchUsersByEmailParams{Prefix: "person77", Before: "person78", After: "person770@", PageSize: 51})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.SearchUsersByUsername(ctx, db, queries.SearchUsersByUsernameParams{Prefix: "person 77", Before: "person 78", After: "person 770", PageSize: 51})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FindUsers(ctx, db, queries.FindUsersParams{ID: person, FirebaseUID: uid})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.HoldForOperator(ctx, db, []uuid.UUID{person, personID(778)})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.Deactivate(ctx, db, queries.DeactivateParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.Reactivate(ctx, db, queries.ReactivateParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.EndSessions(ctx, db, queries.EndSessionsParams{ID: person})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.ChangeUser(ctx, db, queries.ChangeUserParams{ID: person, Username: &name})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) { _, _ = q.KeptOfUser(ctx, db, person) },
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.EveryLegacySession(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.AuditEvents(ctx, db, queries.AuditEventsParams{PageSize: 51})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.AuditEventsOf(ctx, db, person)
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.FoundInStep(ctx, db, queries.FoundInStepParams{ID: person, InStep: true})
			_, _ = q.ChangeBalance(ctx, db, queries.ChangeBalanceParams{AdminID: personID(778), KeyID: "key 5", UserID: person, Caller: "test", IdempotencyKey: "new", Amount: 5, Reason: "test"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.UnchangedBalance(ctx, db, queries.UnchangedBalanceParams{AdminID: personID(778), KeyID: "key 5", UserID: person, Caller: "test", IdempotencyKey: "777"})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.LedgerEntries(ctx, db, queries.LedgerEntriesParams{UserID: person, BeforeID: math.MaxInt64, Most: 50})
		},
		func(ctx context.Context, q *queries.Queries, db queries.DBTX) {
			_, _ = q.HolderExists(ctx, db, person)
		},
	}...)
}

func newcomers(n int) queries.FirstSightsParams {
	p := queries.FirstSightsParams{Patience: "100"}
	for i := range n {
		id := uuid.New()
		p.Ids, p.FirebaseUids = append(p.Ids, id), append(p.FirebaseUids, id.String())
		p.Emails = append(p.Emails, id.String()+"@example.com")
		p.Usernames, p.OtherUsernames = append(p.Usernames, fmt.Sprint("person ", i)), append(p.OtherUsernames, id.String())
		p.ProviderData, p.AuthTimes = append(p.ProviderData, json.RawMessage("{}")), append(p.AuthTimes, time.Now())
	}
	return p
}

func personID(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

func populate(d database, people int) {
	d.t.Helper()
	d.exec(fmt.Sprintf(`INSERT INTO auth.users (id, firebase_uid, auth_provider, username, email, federation_status, last_login)
		SELECT id::uuid, CASE WHEN i %% 3 > 0 OR i = 777 THEN id END, (ARRAY['firebase', 'hybrid'])[i %% 2 + 1], 'person ' || i, 'person' || i || '@example.com',
			CASE WHEN i %% 50 = 0 THEN 'syncing' ELSE 'active' END, now() - i * interval '1 second'
		FROM generate_series(1, %d) AS i, LATERAL (SELECT '00000000-0000-4000-8000-' || lpad(i::text, 12, '0') AS id) AS made`, people))
	d.exec(fmt.Sprintf(`INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at)
		SELECT gen_random_uuid(), gen_random_uuid()::text, now() FROM generate_series(1, %d)`, people/10))
	d.exec(`INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at)
		SELECT id, id, now(), 'x', now(), now() + interval '1 day' FROM auth.users`)
	d.exec("INSERT INTO auth.set_aside_passwords (user_id, password_hash, reason) SELECT id, 'x', 'linked' FROM auth.users")
	d.exec(`INSERT INTO auth.firebase_hash_configs (project, version, algorithm, signer_key, salt_separator, rounds, memory_cost)
		SELECT 'demo', i, 'SCRYPT', decode(repeat('00', 64), 'hex'), '\x07', 8, 14 FROM generate_series(1, 500) AS i`)
	d.exec(`INSERT INTO auth.firebase_passwords (user_id, config_id, hash, salt, local_hash, password_set_at)
		SELECT users.id, configs.id, decode(repeat('00', 64), 'hex'), '\x00', 'x', now()
		FROM auth.users CROSS JOIN (SELECT id FROM auth.firebase_hash_configs LIMIT 1) AS configs`)
	d.exec("INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at) SELECT id, 'somebody', now() FROM auth.users")
	d.exec(`INSERT INTO auth.bulk_runs (id, kind, state, project_id, tenant, selection, parallel, max_errors, started_by)
		SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'move', 'done', 'x', '', 'all', 1, 10, 'test' FROM generate_series(1, 5000) AS i`)
	d.exec(fmt.Sprintf(`INSERT INTO auth.bulk_run_users (run_id, user_id, outcome)
		SELECT ('00000000-0000-4000-8000-' || lpad((i %% 50 + 1)::text, 12, '0'))::uuid, ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid,
			(ARRAY['moved', 'failed', 'pending', 'skipped'])[i %% 4 + 1]
		FROM generate_series(1, %d) AS i`, people))
	d.exec(`INSERT INTO auth.verification_keys (source, keys, fetched_at, fresh_until)
		SELECT 'https://keys/' || i, '{}', now(), now() FROM generate_series(1, 1000) AS i`)
	d.exec(`INSERT INTO auth.firebase_intents (id, kind, user_id, firebase_uid, actor)
		SELECT gen_random_uuid(), 'delete', gen_random_uuid(), 'uid ' || i, 'system' FROM generate_series(1, 5000) AS i`)
	d.exec(`INSERT INTO auth.known_addresses (name, known_until) SELECT 'name ' || i, now() + interval '1 day' FROM generate_series(1, 5000) AS i`)
	d.exec(`INSERT INTO auth.service_keys (name, key) SELECT 'key ' || i, decode(repeat('00', 32), 'hex') FROM generate_series(1, 1000) AS i`)
	d.exec(`INSERT INTO auth.api_keys (id, name, scope, hash, created_by)
		SELECT 'key ' || i, 'a key', 'balance', 'x', 'somebody' FROM generate_series(1, 10000) AS i`)
	d.exec(fmt.Sprintf(`INSERT INTO auth.audit_events (occurred_at, action, actor, user_id)
		SELECT now() - i * interval '1 second', (ARRAY['user.moved', 'user.linked', 'session.ended'])[i %% 3 + 1], 'user:' || i %% 100,
			('00000000-0000-4000-8000-' || lpad((i %% 50000)::text, 12, '0'))::uuid
		FROM generate_series(1, %d) AS i`, people))
	d.exec(`INSERT INTO auth.audit_events (occurred_at, action, actor) VALUES (now() - interval '10 days', 'rare', 'cli:rare')`)
	d.exec(`INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller, reason, idempotency_key)
		SELECT id, 1, n, 'change', 'test', 'test', n::text FROM auth.users CROSS JOIN generate_series(1, 2) AS n`)
	d.exec(`INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller, reason, idempotency_key)
		SELECT $1, 1, n, 'change', 'test', 'test', n::text FROM generate_series(3, $2::int) AS n`, personID(777), people/10)
	d.exec(`INSERT INTO auth.river_job (kind, args, state) SELECT CASE WHEN i % 100 = 0 THEN 'firebase_state' ELSE 'another' END,
		jsonb_build_object('user_id', gen_random_uuid()), 'available' FROM generate_series(1, 10000) AS i`)
	d.exec("INSERT INTO auth.reconcile_listed SELECT firebase_uid FROM auth.users WHERE firebase_uid IS NOT NULL")
	d.exec("INSERT INTO auth.firebase_project (project_id, tenant) VALUES ('demo', '')")
	d.exec("ANALYZE")
}

func usesOneOf(plan string, indexes []string) bool {
	return slices.ContainsFunc(indexes, func(index string) bool { return strings.Contains(plan, index) })
}

var (
	querySection = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+$`)
	servedBy     = regexp.MustCompile(`Served by ([^.]+)\.`)
	usesTable    = regexp.MustCompile(`(?i)\b(FROM|INTO|UPDATE|JOIN)\b`)
	indexName    = regexp.MustCompile(`^\w+( or \w+)*$`)
)

// promised omits ON CONFLICT's index: no plan shows it.
func promised(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	folder := os.DirFS("../../db/queries")
	files, err := fs.Glob(folder, "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("db/queries: %v", err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			t.Fatal(err)
		}
		found := querySection.FindAllSubmatchIndex(text, -1)
		for i, at := range found {
			end := len(text)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			name := string(text[at[2]:at[3]])
			comment := strings.ReplaceAll(string(text[at[0]:end]), "\n-- ", " ")
			if !usesTable.MatchString(sqlComment.ReplaceAllString(string(text[at[0]:end]), "")) && strings.Contains(comment, "No table is read.") {
				continue
			}
			out[name] = nil
			served := servedBy.FindStringSubmatch(comment)
			if served == nil || !strings.Contains(comment, "Called ") {
				t.Errorf("the comment over %s does not say who calls it and which index serves it", name)
				continue
			}
			for _, index := range strings.FieldsFunc(strings.ReplaceAll(served[1], " and ", ","), func(r rune) bool { return r == ',' }) {
				if index = strings.TrimSpace(index); indexName.MatchString(index) {
					out[name] = append(out[name], index)
				}
			}
		}
	}
	return out
}

// wanted are intended scans of a table.
var wanted = map[string][]string{
	"APIKeys": {"api_keys"}, "ForgetListed": {"reconcile_listed"}, "CountAtFirebase": {"users"}, "ForgetAddresses": {"known_addresses"},
	"EndOtherChanges": {"firebase_intents"}, "ProvenPlace": {"users"}, "SignInCredentials": {"firebase_hash_configs"},
	"RedatePasswordIntents": {"firebase_intents"}, "LapsedMoves": {"move_claims", "firebase_intents"},
	"ReturnUsers": {"firebase_intents"}, "ReturnCandidates": {"bulk_runs"},
}

func readsWhole(name, plan string) bool {
	for _, table := range append([]string{"rollout", "firebase_project"}, wanted[name]...) {
		plan = strings.ReplaceAll(plan, "Seq Scan on "+table+" ", "all of it")
	}
	return strings.Contains(plan, "Seq Scan")
}

func TestQueries_UseTheIndexesTheyName(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	populate(d, rows(t))
	plans := plansOf(t, d)
	for name, indexes := range promised(t) {
		plan, run := plans[name]
		if !run {
			t.Errorf("%s is not among the queries of this test: add it", name)
			continue
		}
		for _, index := range indexes {
			if !usesOneOf(plan, strings.Split(index, " or ")) {
				t.Errorf("%s does not use %s, expected it to:\n%s", name, index, plan)
			}
		}
		if readsWhole(name, plan) {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
}

func TestSearches_UseAnIndexInEachShape(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	populate(d, rows(t))
	d.exec("UPDATE auth.users SET is_active = false, federation_status = 'failed' WHERE id = $1", personID(99_000))
	d.exec("ANALYZE auth.users")
	now, person := time.Now(), personID(777)
	text := func(s string) *string { return &s }
	no := false
	type ask func(context.Context, *queries.Queries, queries.DBTX) error
	users := func(p queries.SearchUsersParams) ask {
		p.PageSize = 51
		return func(ctx context.Context, q *queries.Queries, db queries.DBTX) error {
			_, err := q.SearchUsers(ctx, db, p)
			return err
		}
	}
	events := func(p queries.AuditEventsParams) ask {
		p.PageSize = 51
		return func(ctx context.Context, q *queries.Queries, db queries.DBTX) error {
			_, err := q.AuditEvents(ctx, db, p)
			return err
		}
	}
	for what, shape := range map[string]struct {
		ask   ask
		index string
	}{
		"everybody":                     {users(queries.SearchUsersParams{}), "users_pkey"},
		"everybody, the next page":      {users(queries.SearchUsersParams{After: &person}), "users_pkey"},
		"a provider of many":            {users(queries.SearchUsersParams{Provider: text("hybrid")}), "users_pkey"},
		"a provider of nobody":          {users(queries.SearchUsersParams{Provider: text("local")}), "auth_provider"},
		"a status of many":              {users(queries.SearchUsersParams{Status: text("active")}), "users_pkey"},
		"a status of few":               {users(queries.SearchUsersParams{Status: text("failed")}), "federation_status"},
		"few deactivated":               {users(queries.SearchUsersParams{Active: &no}), "is_active"},
		"the newest events":             {events(queries.AuditEventsParams{}), "idx_audit_events_time"},
		"the next events":               {events(queries.AuditEventsParams{AfterTime: &now, AfterID: 5}), "idx_audit_events_time"},
		"events of long ago":            {events(queries.AuditEventsParams{Until: instant(now.Add(-240 * time.Hour))}), "idx_audit_events_time"},
		"events about somebody":         {events(queries.AuditEventsParams{UserID: &person}), "idx_audit_events_user_id"},
		"what somebody did":             {events(queries.AuditEventsParams{Actor: text("user:7")}), "idx_audit_events_actor"},
		"what somebody did once":        {events(queries.AuditEventsParams{Actor: text("cli:rare"), Since: &time.Time{}}), "idx_audit_events_actor"},
		"one kind of act, a rare one":   {events(queries.AuditEventsParams{Action: text("rare")}), "idx_audit_events_action"},
		"one kind of act, long ago":     {events(queries.AuditEventsParams{Action: text("user.moved"), Until: instant(now.Add(-24 * time.Hour))}), "idx_audit_events_"},
		"what somebody did, next page":  {events(queries.AuditEventsParams{Actor: text("user:7"), AfterTime: &now, AfterID: 5}), "idx_audit_events_actor"},
		"one kind of act since a while": {events(queries.AuditEventsParams{Action: text("user.moved"), Since: instant(now.Add(-time.Minute))}), "idx_audit_events_"},
	} {
		tx, err := d.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		plans := map[string]string{}
		if err := queries.New().PlanEachTime(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		if err := shape.ask(t.Context(), queries.New(), explaining{tx, t, plans}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, plan := range plans {
			if !strings.Contains(plan, shape.index) || strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s does not use %s, expected it to:\n%s", what, shape.index, plan)
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func instant(t time.Time) *time.Time { return &t }
