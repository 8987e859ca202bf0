package identity

import "time"

type signUpRequest struct {
	Email         *string `json:"email"`
	Password      string  `json:"password"`
	DisplayName   string  `json:"displayName"`
	PhotoURL      string  `json:"photoUrl"`
	PhoneNumber   string  `json:"phoneNumber"`
	EmailVerified bool    `json:"emailVerified"`
	Disabled      bool    `json:"disabled"`
	LocalID       string  `json:"localId"`
	IDToken       string  `json:"idToken"`
}

type signUpResponse struct {
	Kind        string `json:"kind"`
	LocalID     string `json:"localId"`
	DisplayName string `json:"displayName,omitempty"`
	Email       string `json:"email,omitempty"`
	tokens
}

// signUp signs clients in, not admins. With an ID token it adds e-mail and password.
func (p *Provider) signUp(c *call, in *signUpRequest) (any, error) {
	password, err := p.hashIfStrong(in.Password)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.checkSignUp(c, in); err != nil {
		return nil, err
	}
	user, providerID, err := p.signUpAccount(c, in)
	if err != nil {
		return nil, err
	}
	applySignUp(c, in, &user, password, p.now())
	response := signUpResponse{
		Kind: "identitytoolkit#SignupNewUserResponse", LocalID: user.LocalID, DisplayName: user.DisplayName, Email: user.Email,
	}
	if c.admin {
		p.users.put(user)
		p.changed()
		return response, nil
	}
	user.LastLoginAt = p.now()
	response.tokens, err = p.issue(user, p.start(user, providerID))
	return response, err
}

// checkSignUp has Identity Toolkit's order. Caller holds mu.
func (p *Provider) checkSignUp(c *call, in *signUpRequest) error {
	if c.admin {
		if err := p.checkAdminCreate(in); err != nil {
			return err
		}
	} else if err := checkClientSignUp(in); err != nil {
		return err
	}
	if in.Email != nil && (*in.Email != "" || !c.admin) {
		if !validEmail(*in.Email) {
			return errInvalidEmail
		}
		if _, taken := p.users.email(*in.Email); taken {
			return errEmailExists
		}
	}
	if in.Password != "" && !strongEnough(in.Password) {
		return errWeakPassword
	}
	return nil
}

func (p *Provider) checkAdminCreate(in *signUpRequest) error {
	if in.IDToken != "" && in.LocalID != "" {
		return refuse("UNEXPECTED_PARAMETER : User ID")
	}
	if len(in.LocalID) > maxLocalIDLength {
		return refuse("INVALID_LOCAL_ID")
	}
	if _, taken := p.users.get(in.LocalID); taken {
		return errDuplicateLocalID
	}
	if in.PhoneNumber == "" {
		return nil
	}
	if !validPhone(in.PhoneNumber) {
		return errInvalidPhone
	}
	if _, taken := p.users.phone(in.PhoneNumber); taken {
		return errPhoneExists
	}
	return nil
}

func checkClientSignUp(in *signUpRequest) error {
	switch {
	case in.LocalID != "":
		return refuse("UNEXPECTED_PARAMETER : User ID")
	case in.anonymous():
		return nil
	case in.Email == nil || *in.Email == "":
		return errMissingEmail
	case in.Password == "":
		return errMissingPassword
	}
	return nil
}

func (in *signUpRequest) anonymous() bool {
	return in.IDToken == "" && in.Password == "" && (in.Email == nil || *in.Email == "")
}

func (p *Provider) signUpAccount(c *call, in *signUpRequest) (account, string, error) {
	providerID := ProviderPassword
	if !c.admin && in.anonymous() {
		providerID = ProviderAnonymous
	}
	if in.IDToken != "" {
		user, _, err := p.authenticate(in.IDToken)
		return user, providerID, err
	}
	return p.newAccount(in.LocalID), providerID, nil
}

// Caller holds mu.
func (p *Provider) newAccount(localID string) account {
	if localID == "" {
		localID = p.newLocalID()
	}
	return account{LocalID: localID, CreatedAt: p.now(), SessionsFrom: p.now()}
}

func applySignUp(c *call, in *signUpRequest, user *account, password passwordHash, now time.Time) {
	if in.DisplayName != "" && (c.admin || !in.anonymous()) { // as at the emulator
		user.DisplayName = in.DisplayName
	}
	if in.Email != nil && *in.Email != "" {
		user.Email = canonicalEmail(*in.Email)
		user.EmailVerified = false
	}
	if password.set() {
		user.Password, user.PasswordAt = password, now
		user.revokeSessions(now)
	}
	if !c.admin {
		return
	}
	user.PhotoURL, user.PhoneNumber = in.PhotoURL, in.PhoneNumber
	user.EmailVerified, user.Disabled = in.EmailVerified, in.Disabled
}

// hashIfStrong skips weak passwords, which are refused later.
func (p *Provider) hashIfStrong(password string) (passwordHash, error) {
	if !strongEnough(password) {
		return passwordHash{}, nil
	}
	return p.hashPassword(password)
}
