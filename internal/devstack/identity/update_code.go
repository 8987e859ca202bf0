package identity

func (p *Provider) updateByCode(oobCode string) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mail, ok := p.codes[oobCode]
	if !ok || mail.Type == requestPasswordReset || mail.Type == requestEmailSignIn {
		return nil, errInvalidOOBCode
	}
	if mail.expired(p.now()) {
		return nil, errExpiredOOBCode
	}
	delete(p.codes, oobCode)
	user, found := p.codeOwner(mail)
	if !found {
		return nil, errInvalidOOBCode
	}
	u := updating{user: user, in: &updateRequest{}, now: p.now()}
	if err := p.applyCode(&u, mail); err != nil {
		return nil, err
	}
	return p.finishUpdate(u, nil)
}

func (p *Provider) codeOwner(mail code) (account, bool) {
	if mail.Type == requestRecoverEmail {
		return p.byInitialEmail(mail.Email)
	}
	return p.users.email(mail.Email)
}

func (p *Provider) applyCode(u *updating, mail code) error {
	target := mail.Email
	switch mail.Type {
	case requestVerifyEmail:
		u.user.EmailVerified = true
		return nil
	case requestChangeEmail:
		target = mail.NewEmail
		u.newEmail = target
	}
	if _, taken := p.users.email(target); taken {
		return errEmailExists
	}
	u.setEmail(target, true)
	return nil
}
