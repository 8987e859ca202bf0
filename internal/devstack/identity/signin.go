package identity

import (
	"errors"
	"time"
)

type signInRequest struct {
	Email    *string `json:"email"`
	Password string  `json:"password"`
}

type signInResponse struct {
	Kind        string `json:"kind"`
	LocalID     string `json:"localId"`
	Email       string `json:"email"`
	DisplayName string `json:"displayName"`
	Registered  bool   `json:"registered"`
	pendingFactor
	tokens
}

type failure struct {
	count int
	until time.Time
}

// signInWithPassword reports USER_DISABLED before it checks the password, as Firebase does.
func (p *Provider) signInWithPassword(_ *call, in *signInRequest) (any, error) {
	switch {
	case in.Email == nil:
		return nil, errMissingEmail
	case !validEmail(*in.Email):
		return nil, errInvalidEmail
	case in.Password == "":
		return nil, errMissingPassword
	}
	for {
		response, err := p.trySignIn(canonicalEmail(*in.Email), in.Password)
		if !errors.Is(err, errPasswordMoved) {
			return response, err
		}
	}
}

// errPasswordMoved reports a hash that changed during its check; the caller retries.
var errPasswordMoved = errors.New("identity: the password has changed meanwhile")

func (p *Provider) trySignIn(email, password string) (any, error) {
	user, err := p.signInCandidate(email)
	if err != nil {
		return nil, err
	}
	if !user.Password.matches(&p.hashes, password) {
		return nil, p.wrongPassword(email)
	}
	replacement, err := p.rehash(user.Password, password)
	if err != nil {
		return nil, err
	}
	return p.completeSignIn(user, replacement)
}

func (p *Provider) signInCandidate(email string) (account, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.locked(email) {
		return account{}, errTooManyAttempts
	}
	user, found := p.users.email(email)
	switch {
	case !found && p.config.EmailPrivacy.EnableImprovedEmailPrivacy:
		return account{}, refuse("INVALID_LOGIN_CREDENTIALS")
	case !found:
		return account{}, refuse("EMAIL_NOT_FOUND")
	case user.Disabled:
		return account{}, errUserDisabled
	}
	return user, nil
}

func (p *Provider) locked(email string) bool {
	f := p.failures[email]
	return p.opts.MaxFailures > 0 && f.count >= p.opts.MaxFailures && p.now().Before(f.until)
}

func (p *Provider) wrongPassword(email string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opts.MaxFailures > 0 {
		f := p.failures[email]
		if !f.until.IsZero() && !p.now().Before(f.until) {
			f = failure{}
		}
		p.failures[email] = failure{count: f.count + 1, until: p.now().Add(p.opts.LockFor)}
	}
	if p.config.EmailPrivacy.EnableImprovedEmailPrivacy {
		return refuse("INVALID_LOGIN_CREDENTIALS")
	}
	return refuse("INVALID_PASSWORD")
}

// rehash replaces a proved imported hash, as Firebase does.
func (p *Provider) rehash(old passwordHash, password string) (passwordHash, error) {
	if old.own() {
		return passwordHash{}, nil
	}
	return p.hashPassword(password)
}

func (p *Provider) completeSignIn(checked account, replacement passwordHash) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, found := p.users.get(checked.LocalID)
	switch {
	case !found || !user.Password.same(checked.Password):
		return nil, errPasswordMoved
	case user.Disabled:
		return nil, errUserDisabled
	}
	if replacement.set() {
		user.Password = replacement
	}
	delete(p.failures, user.Email)
	response := signInResponse{
		Kind: "identitytoolkit#VerifyPasswordResponse", LocalID: user.LocalID, Email: user.Email,
		DisplayName: user.DisplayName, Registered: true,
	}
	var err error
	response.pendingFactor, response.tokens, err = p.finishFirstFactor(user, ProviderPassword)
	return response, err
}

// finishFirstFactor returns tokens, or the second factor's challenge. Caller holds mu.
func (p *Provider) finishFirstFactor(user account, providerID string) (pendingFactor, tokens, error) {
	if len(user.Factors) > 0 {
		p.users.put(user)
		p.changed()
		pending, err := p.challenge(user, providerID)
		return pending, tokens{}, err
	}
	user.LastLoginAt = p.now()
	pair, err := p.issue(user, p.start(user, providerID))
	return pendingFactor{}, pair, err
}
