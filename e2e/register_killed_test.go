package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

const (
	createUser = "/projects/" + servicetest.ProjectID + "/accounts"
	signIn     = "accounts:signInWithPassword"
)

// holdUp stops a registration with a provider fault or a lock on auth.users.
type holdUp struct {
	t     *testing.T
	stack *servicetest.Stack
	lock  pgx.Tx
}

func (h *holdUp) fault(f identity.Fault) {
	h.t.Helper()
	if err := h.stack.Identity.AddFaults(f); err != nil {
		h.t.Fatal(err)
	}
}

func (h *holdUp) waitForFault() {
	h.t.Helper()
	eventually(h.t, "the registration reaches the identity provider", func() bool { return h.stack.Identity.FaultHits()[0] > 0 })
}

func (h *holdUp) lockUsers() {
	h.t.Helper()
	tx, err := h.stack.DB.Begin(h.t.Context())
	if err == nil {
		_, err = tx.Exec(h.t.Context(), "LOCK TABLE auth.users IN SHARE ROW EXCLUSIVE MODE")
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.lock = tx
}

const waiting = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'authd' AND wait_event_type = 'Lock'`

func (h *holdUp) waiters() (n int) {
	h.t.Helper()
	if err := h.stack.DB.QueryRow(h.t.Context(), "SELECT count(*) "+waiting).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *holdUp) waitForWriter() {
	h.t.Helper()
	eventually(h.t, "the registration waits for auth.users", func() bool { return h.waiters() > 0 })
}

// dropWriter ends the waiting statement, as a server does for a dead client.
func (h *holdUp) dropWriter() {
	h.t.Helper()
	mustExec(h.t, h.stack, "SELECT pg_terminate_backend(pid) "+waiting)
	eventually(h.t, "the writer is gone", func() bool { return h.waiters() == 0 })
}

// unlock lets the dead process's waiting statement run.
func (h *holdUp) unlock() {
	h.t.Helper()
	if h.lock == nil {
		return
	}
	if err := h.lock.Rollback(context.WithoutCancel(h.t.Context())); err != nil {
		h.t.Error(err)
	}
	eventually(h.t, "no writer waits", func() bool { return h.waiters() == 0 })
}

var steps = []struct {
	name    string
	arrange func(h *holdUp)
	reach   func(h *holdUp)
	after   func(h *holdUp)
	account bool // exists at Firebase
}{
	{
		name:    "before the row is claimed",
		arrange: (*holdUp).lockUsers, reach: (*holdUp).waitForWriter, after: (*holdUp).dropWriter,
	},
	{
		name:    "while the row is claimed",
		arrange: (*holdUp).lockUsers, reach: (*holdUp).waitForWriter,
	},
	{
		name:    "after the claim, before Firebase makes the account",
		arrange: func(h *holdUp) { h.fault(identity.Fault{Match: createUser, Kind: identity.FaultHang}) },
		reach:   (*holdUp).waitForFault,
	},
	{
		name:    "after Firebase made the account, before it said so",
		arrange: func(h *holdUp) { h.fault(identity.Fault{Match: createUser, Kind: identity.FaultHang, After: true}) },
		reach:   (*holdUp).waitForFault, account: true,
	},
	{
		name:    "before the sign-in",
		arrange: func(h *holdUp) { h.fault(identity.Fault{Match: signIn, Kind: identity.FaultHang}) },
		reach:   (*holdUp).waitForFault, account: true,
	},
	{
		name:    "after the sign-in, before its answer",
		arrange: func(h *holdUp) { h.fault(identity.Fault{Match: signIn, Kind: identity.FaultHang, After: true}) },
		reach:   (*holdUp).waitForFault, account: true,
	},
	{
		name:    "after the sign-in, before the row turns active",
		arrange: func(h *holdUp) { h.fault(identity.Fault{Match: signIn, Kind: identity.FaultDelay, Delay: time.Minute}) },
		reach:   reachActivation, after: (*holdUp).dropWriter, account: true,
	},
	{
		name:    "after the row turned active, before the answer",
		arrange: func(h *holdUp) { h.fault(identity.Fault{Match: signIn, Kind: identity.FaultDelay, Delay: time.Minute}) },
		reach:   reachActivation, account: true,
	},
}

func reachActivation(h *holdUp) {
	h.waitForFault()
	h.lockUsers()
	h.stack.Identity.ClearFaults()
	h.waitForWriter()
}

// A retry with the password completes one row with the uid as id. Another password gets email_taken.
func TestRegister_KilledAtEveryStep_A1(t *testing.T) {
	t.Parallel()
	binary := programs.Authd(t)
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			h := &holdUp{t: t, stack: stack}
			email := servicetest.Email()
			victim := startProcess(t, binary, stack)
			step.arrange(h)
			answered := victim.register(t, registerBody(t, email, servicetest.Password))
			step.reach(h)
			victim.kill(t)
			<-answered
			if step.after != nil {
				step.after(h)
			}
			h.unlock()
			stack.Identity.ClearFaults()

			s := stack.Reach(t, startProcess(t, binary, stack).url)
			if step.account {
				ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, "AnotherPassword1")).expect(t, "another password", 409, "email_taken")
			}
			ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)).expect(t, "the same password", 201, "")
			expectRegistered(t, s, email, servicetest.Password)
		})
	}
}

func expectRegistered(t *testing.T, s *servicetest.Service, email, password string) {
	t.Helper()
	if rows := countRows(t, s.Stack, "true"); rows != 1 {
		t.Errorf("A1: there are %d rows, expected one", rows)
	}
	active := countRows(t, s.Stack, "email = $1 AND firebase_uid = id::text AND federation_status = 'active' AND auth_provider = 'firebase'", email)
	if active != 1 {
		t.Error("A1: there is no active row of this e-mail whose id is its uid")
	}
	account, found := s.Identity.UserByEmail(email)
	if !found || countRows(t, s.Stack, "firebase_uid = $1", account.UID) != 1 {
		t.Error("A1: Firebase's account of this e-mail is not the row's")
	}
	if accounts := s.Identity.Users(); len(accounts) != 1 {
		t.Errorf("A1: Firebase has %d accounts, expected one", len(accounts))
	}
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, password)).expect(t, "login afterwards", 200, "")
	again := func(password string) reply {
		return ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, password))
	}
	again("AnotherPassword1").expect(t, "another password afterwards", 409, "email_taken")
	again(password).expect(t, "the same password, for the answer may have been lost", 201, "")
	mustExec(t, s.Stack, "UPDATE auth.users SET created_at = created_at - interval '1 hour'")
	again(password).expect(t, "the same password an hour later", 409, "email_taken")
}
