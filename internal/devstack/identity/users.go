package identity

import "encoding/json"

// User returns an account by uid.
func (p *Provider) User(uid string) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.get(uid)
	return toUser(a), found
}

// UserByEmail returns an account by address.
func (p *Provider) UserByEmail(address string) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.email(address)
	return toUser(a), found
}

// Users returns all accounts by uid.
func (p *Provider) Users() []User {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.users.sorted()
	list := make([]User, 0, len(all))
	for _, a := range all {
		list = append(list, toUser(a))
	}
	return list
}

// DeleteUser returns false for unknown uids.
func (p *Provider) DeleteUser(uid string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.get(uid)
	if found {
		p.forget(a)
	}
	return found
}

// SetDisabled returns false for unknown uids.
func (p *Provider) SetDisabled(uid string, disabled bool) bool {
	return p.change(uid, func(a *account) { a.Disabled = disabled })
}

// RevokeSessions returns false for unknown uids.
func (p *Provider) RevokeSessions(uid string) bool {
	return p.change(uid, func(a *account) { a.revokeSessions(p.now()) })
}

// SetEmail returns false for taken addresses and unknown uids.
func (p *Provider) SetEmail(uid, address string, verified bool) bool {
	p.mu.Lock()
	other, taken := p.users.email(address)
	p.mu.Unlock()
	if taken && other.LocalID != uid {
		return false
	}
	return p.change(uid, func(a *account) { a.Email, a.EmailVerified = canonicalEmail(address), verified })
}

func (p *Provider) change(uid string, apply func(*account)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.get(uid)
	if found {
		apply(&a)
		p.users.put(a)
		p.changed()
	}
	return found
}

func toUser(a account) User {
	u := User{
		UID: a.LocalID, Email: a.Email, EmailVerified: a.EmailVerified, DisplayName: a.DisplayName, PhotoURL: a.PhotoURL,
		Phone: a.PhoneNumber, Disabled: a.Disabled, CreatedAt: a.CreatedAt, LastLoginAt: a.LastLoginAt, ValidSince: a.ValidSince,
	}
	for _, linked := range a.allProviders() {
		u.Providers = append(u.Providers, linked.ProviderID)
	}
	if a.CustomAttributes != "" {
		// Stored claims are valid JSON.
		_ = json.Unmarshal([]byte(a.CustomAttributes), &u.CustomClaims)
	}
	return u
}
