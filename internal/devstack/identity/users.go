package identity

import "encoding/json"

// User shows an account by uid.
func (p *Provider) User(uid string) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.get(uid)
	return toUser(a), found
}

// UserByEmail shows an account by its address.
func (p *Provider) UserByEmail(address string) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.email(address)
	return toUser(a), found
}

// Users shows every account, by uid.
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

// DeleteUser removes an account; true when there was one.
func (p *Provider) DeleteUser(uid string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, found := p.users.get(uid)
	if found {
		p.forget(a)
	}
	return found
}

// SetDisabled disables or enables an account; true when there is one.
func (p *Provider) SetDisabled(uid string, disabled bool) bool {
	return p.change(uid, func(a *account) { a.Disabled = disabled })
}

// RevokeSessions ends every session of an account so far; true when there is one.
func (p *Provider) RevokeSessions(uid string) bool {
	return p.change(uid, func(a *account) { a.revokeSessions(p.now()) })
}

// SetEmail moves an account to another address, which nobody may hold; true when it has it now.
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
		// Only well-formed claims are ever stored.
		_ = json.Unmarshal([]byte(a.CustomAttributes), &u.CustomClaims)
	}
	return u
}
