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
	return p.change(uid, func(a *account) bool { a.Disabled = disabled; return true })
}

// RevokeSessions returns false for unknown uids.
func (p *Provider) RevokeSessions(uid string) bool {
	return p.change(uid, func(a *account) bool { a.revokeSessions(p.now()); return true })
}

// SetEmail returns false for taken addresses and unknown uids.
func (p *Provider) SetEmail(uid, address string, verified bool) bool {
	return p.change(uid, func(a *account) bool {
		if other, taken := p.users.email(address); taken && other.LocalID != uid {
			return false
		}
		a.Email, a.EmailVerified = canonicalEmail(address), verified
		return true
	})
}

// change applies a change to an account under the lock, and stores it where apply is true.
func (p *Provider) change(uid string, apply func(*account) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.get(uid)
	if !found || !apply(&a) {
		return false
	}
	p.users.put(a)
	p.changed()
	return true
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
