package rollback_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollback"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/rsakeys"
	"auth-v2-service/internal/user"
)

const (
	oldPassword = "correct horse battery"
	newPassword = "SetAtFirebase123"
)

// stage edits what the provider exports, and acts after an export.
type stage struct {
	*testing.T
	*firebase.Client
	pool     *pgxpool.Pool
	provider *identity.Provider
	hash     string
	run      uuid.UUID

	mu      sync.Mutex
	edits   map[string]func(*firebase.ExportedUser)
	after   func(export int)
	exports int
	paging  bool
	config  func(*password.ScryptConfig)
	changed []uuid.UUID
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, run: uuid.New(), edits: map[string]func(*firebase.ExportedUser){}}
	var err error
	if s.pool, err = pg.Open(t.Context(), pg.Options{URL: pgtest.New(t), MaxConns: 10}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	if s.provider, err = identity.New(identity.Options{ProjectID: "demo-test", ScryptMemoryCost: 4, NewKey: rsakeys.Source()}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.provider.Handler())
	t.Cleanup(func() { _ = s.provider.Close(); server.Close() })
	if s.Client, err = firebase.New(t.Context(), firebase.Options{
		ProjectID: "demo-test", EmulatorHost: server.Listener.Addr().String(), Timeout: 2 * time.Second,
	}); err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(oldPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s.hash = string(hash)
	s.exec(`INSERT INTO auth.bulk_runs (id, kind, project_id, tenant, selection, parallel, max_errors, started_by)
		VALUES ($1, 'return', 'demo-test', '', 'all', 1, 10, 'test')`, s.run)
	return s
}

func (s *stage) Export(ctx context.Context, page string, limit int) ([]firebase.ExportedUser, string, error) {
	users, next, err := s.Client.Export(ctx, page, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range users {
		if edit := s.edits[users[i].UID]; edit != nil {
			edit(&users[i])
		}
	}
	s.exports++
	if s.after != nil && s.paging {
		s.after(s.exports)
	}
	return users, next, err
}

func (s *stage) HashConfig(ctx context.Context) (password.ScryptConfig, error) {
	config, err := s.Client.HashConfig(ctx)
	if s.config != nil {
		s.config(&config)
	}
	return config, err
}

func (s *stage) returner() *rollback.Returner {
	store := user.NewStore(user.Options{Pool: s.pool})
	return rollback.New(rollback.Options{
		Pool: s.pool, Accounts: s, Users: store, Project: "demo-test",
		OnChange: func(_ context.Context, id uuid.UUID) { s.changed = append(s.changed, id) },
	})
}

func (s *stage) batch() rollback.Batch {
	return rollback.Batch{Run: s.run, Holds: func(uuid.UUID) bool { return true }, Actor: "cli:test", Record: s.record}
}

func (s *stage) record(ctx context.Context, tx pgx.Tx, results []rollback.Result) error {
	for _, r := range results {
		outcome := map[string]string{rollback.Returned: "moved", rollback.Stays: "skipped", rollback.Pending: "pending", rollback.Failed: "failed"}[r.Outcome]
		if _, err := tx.Exec(ctx, `INSERT INTO auth.bulk_run_users (run_id, user_id, outcome, code) VALUES ($1, $2, $3, $4)
			ON CONFLICT (run_id, user_id) DO UPDATE SET outcome = excluded.outcome, code = excluded.code, at = excluded.at`, s.run, r.ID, outcome, r.Code); err != nil {
			return err
		}
	}
	return nil
}

// page returns the results of the first page by user.
func (s *stage) page(r *rollback.Returner) map[uuid.UUID]rollback.Result {
	s.Helper()
	configs, err := r.Prepare(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	s.exports, s.paging = 0, true
	results, next, err := r.Page(s.Context(), "", configs, s.batch())
	if err != nil || next != "" {
		s.Fatalf("next page %q, %v", next, err)
	}
	byID := map[uuid.UUID]rollback.Result{}
	for _, result := range results {
		byID[result.ID] = result
	}
	return byID
}

// moved has an imported account with the old password.
func (s *stage) moved() uuid.UUID {
	s.Helper()
	id := uuid.New()
	failures, err := s.Import(s.Context(), []firebase.ImportUser{{UID: id.String(), Email: id.String() + "@example.com", PasswordHash: s.hash}})
	if err != nil || len(failures) > 0 {
		s.Fatal(failures, err)
	}
	s.exec(`INSERT INTO auth.users (id, email, password_hash, auth_provider, firebase_uid, password_set_at)
		VALUES ($1, $2, $3, 'hybrid', $4, clock_timestamp())`, id, id.String()+"@example.com", s.hash, id.String())
	return id
}

// createdThere has no local password.
func (s *stage) createdThere(secret string) uuid.UUID {
	s.Helper()
	id := uuid.New()
	if err := s.CreateUser(s.Context(), firebase.NewUser{UID: id.String(), Email: id.String() + "@example.com", Password: secret}); err != nil {
		s.Fatal(err)
	}
	s.exec("INSERT INTO auth.users (id, email, auth_provider, firebase_uid) VALUES ($1, $2, 'firebase', $3)", id, id.String()+"@example.com", id.String())
	return id
}

func (s *stage) signIn(id uuid.UUID, secret string) {
	s.Helper()
	if _, err := s.SignIn(s.Context(), id.String()+"@example.com", secret); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) setPassword(id uuid.UUID, secret string) {
	s.Helper()
	if err := s.SetPassword(s.Context(), id.String(), secret); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) exec(statement string, arguments ...any) {
	s.Helper()
	if _, err := s.pool.Exec(context.WithoutCancel(s.Context()), statement, arguments...); err != nil {
		s.Fatal(err)
	}
}

type row struct {
	provider, uid, outcome, code string
	hash                         *string
}

func (s *stage) row(id uuid.UUID) (r row) {
	s.Helper()
	if err := s.pool.QueryRow(s.Context(), `SELECT users.auth_provider, coalesce(users.firebase_uid, ''), coalesce(known.outcome, ''), coalesce(known.code, ''), users.password_hash
		FROM auth.users LEFT JOIN auth.bulk_run_users AS known ON known.user_id = users.id AND known.run_id = $2 WHERE users.id = $1`, id, s.run).
		Scan(&r.provider, &r.uid, &r.outcome, &r.code, &r.hash); err != nil {
		s.Fatal(err)
	}
	return r
}

// mustOpen expects a local row that this password opens, and no other.
func (s *stage) mustOpen(what string, id uuid.UUID, secret string) {
	s.Helper()
	r := s.row(id)
	if r.provider != user.ProviderLocal || r.uid != id.String() {
		s.Errorf("M7: %s: the row is %s with uid %q", what, r.provider, r.uid)
	}
	for _, candidate := range []string{oldPassword, newPassword} {
		if opens := s.opens(id, *r.hash, candidate); opens != (candidate == secret) {
			s.Errorf("M7: %s: %q opens the account: %v", what, candidate, opens)
		}
	}
}

func (s *stage) opens(id uuid.UUID, local, secret string) bool {
	s.Helper()
	var h password.ScryptHash
	err := s.pool.QueryRow(s.Context(), `SELECT kept.hash, kept.salt, c.signer_key, c.salt_separator, c.rounds, c.memory_cost
		FROM auth.firebase_passwords AS kept JOIN auth.firebase_hash_configs AS c ON c.id = kept.config_id WHERE user_id = $1 AND local_hash = $2`, id, local).
		Scan(&h.Hash, &h.Salt, &h.Config.SignerKey, &h.Config.SaltSeparator, &h.Config.Rounds, &h.Config.MemoryCost)
	switch {
	case err == nil:
		return password.New(password.Options{}).VerifyScrypt(s.Context(), h, secret) == nil
	case !pg.NoRows(err):
		s.Fatal(err)
	}
	return bcrypt.CompareHashAndPassword([]byte(local), []byte(secret)) == nil
}
