package identity

type resetRequest struct {
	OOBCode     string `json:"oobCode"`
	NewPassword string `json:"newPassword"`
}

type resetResponse struct {
	Kind        string `json:"kind"`
	Email       string `json:"email,omitempty"`
	NewEmail    string `json:"newEmail,omitempty"`
	RequestType string `json:"requestType"`
}

// resetPassword describes a code. A new password redeems it, which verifies the address.
func (p *Provider) resetPassword(_ *call, in *resetRequest) (any, error) {
	password, err := p.hashIfStrong(in.NewPassword)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if in.OOBCode == "" {
		return nil, refuse("MISSING_OOB_CODE")
	}
	mail, ok := p.codes[in.OOBCode]
	switch {
	case !ok:
		return nil, errInvalidOOBCode
	case mail.expired(p.now()):
		return nil, errExpiredOOBCode
	}
	if in.NewPassword != "" {
		if err := p.useReset(mail, password); err != nil {
			return nil, err
		}
	}
	response := resetResponse{
		Kind: "identitytoolkit#ResetPasswordResponse", Email: mail.Email, NewEmail: mail.NewEmail, RequestType: mail.Type,
	}
	if mail.Type == requestEmailSignIn {
		response.Email = ""
	}
	return response, nil
}

// useReset removes other sign-in methods: the address's owner has not proved them.
func (p *Provider) useReset(mail code, password passwordHash) error {
	switch {
	case mail.Type != requestPasswordReset:
		return errInvalidOOBCode
	case !password.set():
		return errWeakPassword
	}
	delete(p.codes, mail.Code)
	user, found := p.users.email(mail.Email)
	if !found {
		return errInvalidOOBCode
	}
	user.Password, user.PasswordAt, user.EmailVerified, user.Providers = password, p.now(), true, nil
	user.revokeSessions(p.now())
	delete(p.failures, user.Email)
	p.users.put(user)
	p.changed()
	return nil
}
