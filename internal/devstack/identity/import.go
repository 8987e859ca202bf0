package identity

import (
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// maxBatch is Identity Toolkit's limit.
const maxBatch = 1000

type batchCreateRequest struct {
	Users          []importedUser `json:"users"`
	AllowOverwrite bool           `json:"allowOverwrite"`
	SanityCheck    bool           `json:"sanityCheck"`
	HashAlgorithm  string         `json:"hashAlgorithm"`
	SignerKey      string         `json:"signerKey"`
	SaltSeparator  string         `json:"saltSeparator"`
	Rounds         int            `json:"rounds"`
	MemoryCost     int            `json:"memoryCost"`
}

type importedUser struct {
	LocalID          string            `json:"localId"`
	Email            string            `json:"email"`
	InitialEmail     string            `json:"initialEmail"`
	EmailVerified    bool              `json:"emailVerified"`
	DisplayName      string            `json:"displayName"`
	PhotoURL         string            `json:"photoUrl"`
	PhoneNumber      string            `json:"phoneNumber"`
	PasswordHash     string            `json:"passwordHash"`
	Salt             string            `json:"salt"`
	RawPassword      string            `json:"rawPassword"`
	CustomAttributes string            `json:"customAttributes"`
	Disabled         bool              `json:"disabled"`
	CreatedAt        int64Text         `json:"createdAt"`
	LastLoginAt      int64Text         `json:"lastLoginAt"`
	TenantID         string            `json:"tenantId"`
	ProviderUserInfo []provider        `json:"providerUserInfo"`
	MFAInfo          []json.RawMessage `json:"mfaInfo"`
}

type importError struct {
	Index   int    `json:"index"`
	Message string `json:"message"`
}

type batchCreateResponse struct {
	Kind  string        `json:"kind"`
	Error []importError `json:"error,omitempty"`
}

// batchCreate reports a bad user by index. With allowOverwrite it replaces accounts entirely, as Google documents.
func (p *Provider) batchCreate(_ *call, in *batchCreateRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	hashes, err := p.importedHashes(in)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	response := batchCreateResponse{Kind: "identitytoolkit#UploadAccountResponse"}
	for index, user := range in.Users {
		imported, err := p.importUser(in, user, hashes[index])
		if err != nil {
			response.Error = append(response.Error, importError{Index: index, Message: err.Error()})
			continue
		}
		p.users.put(imported)
	}
	p.changed()
	return response, nil
}

func (in *batchCreateRequest) check() error {
	if len(in.Users) == 0 {
		return refuse("MISSING_USER_ACCOUNT")
	}
	if len(in.Users) > maxBatch {
		return refuse("MAXIMUM_USER_COUNT_EXCEEDED")
	}
	if in.SanityCheck {
		if err := in.checkUnique(); err != nil {
			return err
		}
	}
	if in.AllowOverwrite {
		return nil
	}
	seen := map[string]bool{}
	for _, user := range in.Users {
		if seen[user.LocalID] {
			return refuse("DUPLICATE_LOCAL_ID : " + user.LocalID)
		}
		seen[user.LocalID] = true
	}
	return nil
}

func (in *batchCreateRequest) checkUnique() error {
	emails, raw := map[string]bool{}, map[string]bool{}
	for _, user := range in.Users {
		if user.Email != "" && emails[user.Email] {
			return refuse("DUPLICATE_EMAIL : " + user.Email)
		}
		emails[user.Email] = true
	}
	for _, user := range in.Users {
		for _, p := range user.ProviderUserInfo {
			key := rawKey(p.ProviderID, p.RawID)
			if raw[key] {
				return refuse(fmt.Sprintf("DUPLICATE_RAW_ID : Provider id(%s), Raw id(%s)", p.ProviderID, p.RawID))
			}
			raw[key] = true
		}
	}
	return nil
}

// importedHashes: one bad hash refuses the request, as at Firebase.
func (p *Provider) importedHashes(in *batchCreateRequest) ([]passwordHash, error) {
	hashes := make([]passwordHash, len(in.Users))
	for index, user := range in.Users {
		var err error
		switch {
		case user.PasswordHash != "":
			hashes[index], err = in.importedHash(index, user)
		case user.RawPassword != "":
			hashes[index], err = p.hashPassword(user.RawPassword)
		}
		if err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

func (in *batchCreateRequest) importedHash(index int, user importedUser) (passwordHash, error) {
	hash, err := bytesField(index, "password_hash", user.PasswordHash)
	if err != nil {
		return passwordHash{}, err
	}
	salt, err := bytesField(index, "salt", user.Salt)
	if err != nil {
		return passwordHash{}, err
	}
	switch in.HashAlgorithm {
	case algorithmBcrypt:
		if _, err := bcrypt.Cost(bcryptDialect(hash)); err != nil {
			return passwordHash{}, refuse("INVALID_PASSWORD_HASH")
		}
		return passwordHash{Algorithm: algorithmBcrypt, Hash: hash}, nil
	case algorithmScrypt:
		config, err := in.scryptConfig()
		return passwordHash{Algorithm: algorithmScrypt, Hash: hash, Salt: salt, Config: config}, err
	case "":
		return passwordHash{}, refuse("MISSING_HASH_ALGORITHM")
	default:
		return passwordHash{}, refuse("INVALID_HASH_ALGORITHM")
	}
}

func (in *batchCreateRequest) scryptConfig() (*HashConfig, error) {
	key, err := decode64(in.SignerKey)
	if err != nil || len(key) == 0 {
		return nil, refuse("INVALID_HASH_KEY")
	}
	separator, err := decode64(in.SaltSeparator)
	if err != nil {
		return nil, refuse("INVALID_HASH_SALT_SEPARATOR")
	}
	if in.Rounds < 1 || in.Rounds > maxRounds {
		return nil, refuse("INVALID_HASH_ROUNDS")
	}
	if in.MemoryCost < 1 || in.MemoryCost > maxMemoryCost {
		return nil, refuse("INVALID_HASH_MEMORY_COST")
	}
	return &HashConfig{
		Algorithm: algorithmScrypt, SignerKey: key, SaltSeparator: separator, Rounds: in.Rounds, MemoryCost: in.MemoryCost,
	}, nil
}

func bytesField(index int, name, text string) ([]byte, error) {
	value, err := decode64(text)
	if err != nil {
		return nil, invalidArgument("Invalid value at 'users[%d].%s' (TYPE_BYTES), Base64 decoding failed for %q", index, name, text)
	}
	return value, nil
}

// Caller holds mu.
func (p *Provider) importUser(in *batchCreateRequest, user importedUser, hash passwordHash) (account, error) {
	if err := p.checkImported(in, user); err != nil {
		return account{}, err
	}
	now := p.now()
	a := account{
		LocalID: user.LocalID, Email: canonicalEmail(user.Email), InitialEmail: canonicalEmail(user.InitialEmail), EmailVerified: user.EmailVerified,
		DisplayName: user.DisplayName, PhotoURL: user.PhotoURL, PhoneNumber: user.PhoneNumber, Disabled: user.Disabled,
		CustomAttributes: user.CustomAttributes, CreatedAt: now,
	}
	for _, linked := range user.ProviderUserInfo {
		if linked.ProviderID != ProviderPassword && linked.ProviderID != ProviderPhone {
			a.linkProvider(linked)
		}
	}
	if hash.set() {
		a.Password, a.PasswordAt = hash, now
	}
	if user.CreatedAt != "" {
		a.CreatedAt = time.UnixMilli(user.CreatedAt.value()).UTC()
	}
	if user.LastLoginAt != "" {
		a.LastLoginAt = time.UnixMilli(user.LastLoginAt.value()).UTC()
	}
	a.revokeSessions(now)
	return a, nil
}
