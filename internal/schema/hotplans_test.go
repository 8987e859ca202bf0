package schema_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	queries "auth-v2-service/gen/db"
)

// generic records generic plans.
type generic struct {
	pgx.Tx
	t     *testing.T
	plans map[string]string
}

func (g generic) note(ctx context.Context, sql string, args []any) {
	g.t.Helper()
	run := func(statement string) {
		g.t.Helper()
		if _, err := g.Tx.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			g.t.Fatalf("%s: %v", statement, err)
		}
	}
	run("SET LOCAL plan_cache_mode = force_generic_plan")
	run("PREPARE hot AS " + sql)
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(args)), ", ")
	rows, err := g.Tx.Query(ctx, "EXPLAIN EXECUTE hot ("+nulls+")", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		g.t.Fatalf("explain %s: %v", sql, err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		g.t.Fatalf("explain %s: %v", sql, err)
	}
	run("DEALLOCATE hot")
	g.plans[queryName.FindStringSubmatch(sql)[1]] = strings.Join(plan, "\n")
}

func (g generic) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	g.note(ctx, sql, args)
	return nil, errAsked
}

func (g generic) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	g.note(ctx, sql, args)
	return noRow{errAsked}
}

// E1: EXPLAIN_ROWS=1000000 tests a million users.
func TestHotStatements_UseAnIndexForAGroupOfAnySize(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	populate(d, rows(t))
	hot := map[string][]string{
		"FirstSight":          {"idx_users_firebase_uid", "users_username_key", "idx_tombstones_firebase_uid"},
		"FirstSights":         {"users_username_key", "idx_tombstones_firebase_uid"},
		"UserByFirebaseUID":   {"idx_users_firebase_uid"},
		"UsersByFirebaseUIDs": {"idx_users_firebase_uid"},
		"UserByID":            {"users_pkey"},
		"UsersByIDs":          {"users_pkey"},
		"UsersByLegacyTokens": {"users_pkey", "idx_legacy_sessions_user_id"},
	}
	for _, size := range []int{1, 16, 128} {
		for kind, plans := range map[string]map[string]string{"for its values": d.plansFor(size, false), "for all values": d.plansFor(size, true)} {
			for name, indexes := range hot {
				plan, ran := plans[name]
				if !ran {
					t.Errorf("%s did not run", name)
				}
				for _, index := range indexes {
					if !strings.Contains(plan, index) {
						t.Errorf("%s of %d, planned %s, does not use %s:\n%s", name, size, kind, index, plan)
					}
				}
				if strings.Contains(plan, "Seq Scan") {
					t.Errorf("%s of %d, planned %s, reads a whole table:\n%s", name, size, kind, plan)
				}
			}
		}
	}
}

func (d database) plansFor(size int, forAll bool) map[string]string {
	d.t.Helper()
	ctx := d.t.Context()
	tx, err := d.Begin(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	plans := map[string]string{}
	var asking queries.DBTX = explaining{tx, d.t, plans}
	if forAll {
		asking = generic{tx, d.t, plans}
	}
	var ids []uuid.UUID
	var uids []string
	for i := range size {
		id := personID(1 + i*rows(d.t)/size)
		ids, uids = append(ids, id), append(uids, id.String())
	}
	new, q := newcomers(size), queries.New()
	_, _ = q.UserByFirebaseUID(ctx, asking, uids[0])
	_, _ = q.UsersByFirebaseUIDs(ctx, asking, uids)
	_, _ = q.UserByID(ctx, asking, ids[0])
	_, _ = q.UsersByIDs(ctx, asking, ids)
	_, _ = q.UsersByLegacyTokens(ctx, asking, ids)
	_, _ = q.FirstSight(ctx, asking, queries.FirstSightParams{
		ID: uuid.New(), FirebaseUID: fmt.Sprint("nobody's ", uuid.New()), Email: "nobody@example.com", Username: &new.Usernames[0],
		OtherUsername: &new.OtherUsernames[0], ProviderData: new.ProviderData[0], AuthTime: new.AuthTimes[0],
	})
	_, _ = q.FirstSights(ctx, asking, new)
	return plans
}
