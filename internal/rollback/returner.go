package rollback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/user"
)

// Accounts is implemented by firebase.Client.
type Accounts interface {
	Export(ctx context.Context, page string, limit int) (users []firebase.ExportedUser, next string, err error)
	HashConfig(ctx context.Context) (password.ScryptConfig, error)
	CreateUser(ctx context.Context, u firebase.NewUser) error
	DeleteUser(ctx context.Context, uid string) error
}

// Options configure a Returner. Pool, Accounts, Users and Project are required.
type Options struct {
	Pool     *pgxpool.Pool
	Accounts Accounts
	Users    *user.Store
	// Project names the parameters of hashes. A tenant has its own.
	Project  string
	OnChange func(ctx context.Context, id uuid.UUID)
	// Clocks date the reading of hashes in Firebase's time (A7).
	Clocks *clock.Clocks
	Logger *slog.Logger
}

// Returner brings users back. Safe for concurrent use.
type Returner struct {
	pool     *pgxpool.Pool
	queries  *db.Queries
	accounts Accounts
	users    *user.Store
	project  string
	hasher   *password.Hasher
	onChange func(ctx context.Context, id uuid.UUID)
	clocks   *clock.Clocks
	log      *slog.Logger
}

// New returns a Returner.
func New(o Options) *Returner {
	if o.OnChange == nil {
		o.OnChange = func(context.Context, uuid.UUID) {}
	}
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Returner{
		pool: o.Pool, queries: db.New(), accounts: o.Accounts, users: o.Users, project: o.Project, onChange: o.OnChange, clocks: o.Clocks,
		log:    o.Logger,
		hasher: password.New(password.Options{}),
	}
}

// Outcomes of a user.
const (
	Returned = "returned"
	Stays    = "stays"
	Pending  = "pending"
	Failed   = "failed"
)

// Result has the way of a returned user, or the reason, as Code. A pending local user has its former provider.
type Result struct {
	ID            uuid.UUID
	Outcome, Code string
}

// MadeLocal reports that a pending user's code is a former provider: the run has made the row local.
func MadeLocal(code string) bool { return code == user.ProviderFirebase || code == user.ProviderHybrid }

// Batch says which users of a page return.
type Batch struct {
	Run   uuid.UUID
	Holds func(id uuid.UUID) bool
	// Named: only users that the run has noted return.
	Named   bool
	Actor   string
	Details map[string]any
	// Record joins the transaction of these results. A later result of a user replaces the earlier one.
	Record func(ctx context.Context, tx pgx.Tx, results []Result) error
}

type trouble struct{ error }

func (t trouble) Unwrap() error { return t.error }

// OfFirebase reports that Firebase has caused an error, not the database.
func OfFirebase(err error) bool { return errors.As(err, &trouble{}) }

func (r *Returner) export(ctx context.Context, page string) (users []firebase.ExportedUser, next string, err error) {
	if users, next, err = r.accounts.Export(ctx, page, firebase.MaxList); err != nil {
		return nil, "", trouble{fmt.Errorf("export accounts: %w", err)}
	}
	return users, next, nil
}

// ErrHashesHidden says that Firebase shows no hashes: this service lacks firebaseauth.configs.getHashConfig.
var ErrHashesHidden = firebase.ErrHashConfigHidden

// looks bounds the exports of one page.
const looks = 4

// Configs are the known parameters of hashes, kept from page to page.
type Configs struct{ known configs }

// Prepare reads and proves Firebase's hash parameters. Errors: ErrHashesHidden, ErrHashConfig, or an outage.
func (r *Returner) Prepare(ctx context.Context) (*Configs, error) {
	known, err := r.readConfigs(ctx)
	return &Configs{known}, err
}

// Page returns the users of a page of Firebase's accounts, and the next page, "" at the end. It may be repeated at any time. Results are those
// of the last look. Errors: those of Prepare.
func (r *Returner) Page(ctx context.Context, page string, c *Configs, b Batch) (results []Result, next string, err error) {
	last := map[uuid.UUID]Result{}
	for look := range looks {
		readAt := r.clocks.FirebaseNow()
		accounts, following, err := r.export(ctx, page)
		if err != nil {
			return nil, "", err
		}
		if look == 0 {
			next = following
		}
		if err := r.refresh(ctx, c, accounts); err != nil {
			return nil, "", err
		}
		work, err := r.compare(ctx, b, accounts, c.known)
		if err != nil {
			return nil, "", err
		}
		some, again, err := r.apply(ctx, b, work, readAt)
		if err != nil {
			return nil, "", err
		}
		for _, result := range some {
			last[result.ID] = result
		}
		if !again {
			break
		}
	}
	for _, result := range last {
		results = append(results, result)
	}
	return results, next, nil
}

// refresh meets a changed signer key.
func (r *Returner) refresh(ctx context.Context, c *Configs, accounts []firebase.ExportedUser) (err error) {
	newest := c.known.newest()
	for _, account := range accounts {
		switch {
		case account.HashRedacted:
			return ErrHashesHidden
		case len(account.Hash) > 0 && account.Version > newest:
			c.known, err = r.readConfigs(ctx)
			return err
		}
	}
	return nil
}

// work is what one look has decided.
type work struct {
	results []Result // without a change of the row
	home    []candidate
	left    []candidate // local by a run that was stopped
	keep    []candidate // local already; Firebase's password is another one
	undo    []candidate
	done    []candidate
	seen    []candidate // at Firebase
}

type candidate struct {
	db.ReturnCandidatesRow
	account firebase.ExportedUser
	config  config
	stays   string
}

func (r *Returner) compare(ctx context.Context, b Batch, accounts []firebase.ExportedUser, known configs) (work, error) {
	rows, byUID, err := r.rows(ctx, b.Run, accounts)
	if err != nil {
		return work{}, err
	}
	var w work
	for _, row := range rows {
		account := byUID[row.FirebaseUID]
		c := candidate{row, account, known[account.Version], stays(row, account, known)}
		if !b.selects(row) {
			continue
		}
		w.add(c)
	}
	return w, nil
}

func (r *Returner) rows(
	ctx context.Context, run uuid.UUID, accounts []firebase.ExportedUser,
) ([]db.ReturnCandidatesRow, map[string]firebase.ExportedUser, error) {
	params := db.ReturnCandidatesParams{RunID: run}
	byUID := make(map[string]firebase.ExportedUser, len(accounts))
	for _, account := range accounts {
		if _, twice := byUID[account.UID]; twice || !firebase.Storable(account.UID) {
			continue
		}
		byUID[account.UID] = account
		params.FirebaseUids = append(params.FirebaseUids, account.UID)
		params.Hashes, params.Salts = append(params.Hashes, append([]byte{}, account.Hash...)), append(params.Salts, append([]byte{}, account.Salt...))
		params.PasswordSetAts = append(params.PasswordSetAts, account.PasswordUpdatedAt)
	}
	rows, err := r.queries.ReturnCandidates(ctx, r.pool, params)
	if err != nil {
		return nil, nil, fmt.Errorf("read the rows of a page: %w", pg.Fault(err))
	}
	return rows, byUID, nil
}

func (b Batch) selects(row db.ReturnCandidatesRow) bool {
	if row.Known {
		return row.Outcome == Pending
	}
	return !b.Named && b.Holds(row.ID)
}

func (w *work) add(c candidate) {
	local := c.AuthProvider == user.ProviderLocal
	if !local {
		w.seen = append(w.seen, c)
	}
	ours := MadeLocal(c.Code)
	switch {
	case local && !ours && c.LeftAs != "" && c.stays != "":
		w.results = append(w.results, Result{c.ID, Failed, c.stays})
	case local && !ours && c.LeftAs != "":
		w.left = append(w.left, c)
	case local && !ours && c.Known:
		w.results = append(w.results, Result{c.ID, Stays, CodeLocal})
	case local && !ours:
	case c.Syncing:
		w.results = append(w.results, Result{c.ID, Pending, CodeSyncing})
	case local && c.stays != "":
		w.undo = append(w.undo, c)
	case local && c.Settled:
		w.done = append(w.done, c)
	case local:
		w.keep = append(w.keep, c)
	case c.stays != "":
		w.results = append(w.results, Result{c.ID, Stays, c.stays})
	case !sameAddress(c.ReturnCandidatesRow, c.account):
		w.results = append(w.results, Result{c.ID, Failed, CodeEmailDiffers})
	default:
		w.home = append(w.home, c)
	}
}
