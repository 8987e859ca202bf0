package rollback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
)

// ErrHashConfig says that Firebase's hash parameters do not check its own hashes. No password would come home.
var ErrHashConfig = errors.New("the hash parameters of Firebase do not check the password of a new account")

// canaryPrefix sorts before uids of users.
const canaryPrefix = "-canary-"

const canaryDomain = "canary.invalid" // RFC 2606

const canaryLife = time.Hour

// configs has the stored parameters for each version of hashes.
type configs map[int64]config

type config struct {
	id uuid.UUID
	password.ScryptConfig
}

func (c configs) newest() int64 {
	newest := int64(firebase.UnknownVersion)
	for version := range c {
		newest = max(newest, version)
	}
	return newest
}

// readConfigs stores the present parameters by the version of a new account's hash: Google does not say it.
func (r *Returner) readConfigs(ctx context.Context) (configs, error) {
	shown, err := r.accounts.HashConfig(ctx)
	if err != nil {
		return nil, trouble{fmt.Errorf("read Firebase's hash parameters: %w", err)}
	}
	version, err := r.prove(ctx, shown)
	if err != nil {
		return nil, err
	}
	if version < 0 || version > maxVersion {
		return nil, ErrHashConfig
	}
	id, err := r.users.HashConfigID(ctx, r.project, int32(version), shown)
	if err != nil {
		return nil, err
	}
	rows, err := r.queries.HashConfigs(ctx, r.pool, r.project)
	if err != nil {
		return nil, fmt.Errorf("read the hash parameters of project %s: %w", r.project, pg.Fault(err))
	}
	all := configs{}
	for _, row := range rows {
		all[int64(row.Version)] = config{row.ID, password.ScryptConfig{
			SignerKey: row.SignerKey, SaltSeparator: row.SaltSeparator, Rounds: int(row.Rounds), MemoryCost: int(row.MemoryCost),
		}}
	}
	all[version] = config{id, shown}
	return all, nil
}

const maxVersion = 1<<31 - 1

// prove creates an account, checks its exported hash and deletes it. It returns the hash's version.
func (r *Returner) prove(ctx context.Context, shown password.ScryptConfig) (version int64, err error) {
	if err := shown.Check(); err != nil {
		return 0, errors.Join(ErrHashConfig, err)
	}
	uid := canaryPrefix + uuid.NewString()
	secret := rand.Text()
	if err := r.accounts.CreateUser(ctx, firebase.NewUser{UID: uid, Email: uid[1:] + "@" + canaryDomain, Password: secret}); err != nil {
		return 0, trouble{fmt.Errorf("create the canary: %w", err)}
	}
	defer r.remove(ctx, uid)
	account, err := r.find(ctx, uid)
	if err != nil {
		return 0, err
	}
	if account.HashRedacted {
		return 0, firebase.ErrHashConfigHidden
	}
	if err := r.hasher.VerifyScrypt(ctx, password.ScryptHash{Config: shown, Hash: account.Hash, Salt: account.Salt}, secret); err != nil {
		return 0, errors.Join(ErrHashConfig, err)
	}
	return account.Version, nil
}

// find walks the export: look-ups show no hash. It removes what killed carriers left.
func (r *Returner) find(ctx context.Context, uid string) (firebase.ExportedUser, error) {
	for page := ""; ; {
		accounts, next, err := r.export(ctx, page)
		if err != nil {
			return firebase.ExportedUser{}, err
		}
		found := firebase.ExportedUser{}
		for _, account := range accounts {
			switch {
			case account.UID == uid:
				found = account
			case strings.HasPrefix(account.UID, canaryPrefix) && r.clocks.FirebaseNow().Sub(account.CreatedAt) > canaryLife:
				r.remove(ctx, account.UID)
			}
		}
		if found.UID != "" {
			return found, nil
		}
		if next == "" || next == page {
			return firebase.ExportedUser{}, errors.Join(ErrHashConfig, errors.New("the export lacks the canary"))
		}
		page = next
	}
}

func (r *Returner) remove(ctx context.Context, uid string) {
	ctx = context.WithoutCancel(ctx)
	if err := r.accounts.DeleteUser(ctx, uid); err != nil {
		r.log.WarnContext(ctx, "a canary stays at the identity provider", "uid", uid, "error", err)
	}
}
