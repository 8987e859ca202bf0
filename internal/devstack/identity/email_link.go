package identity

import "strings"

type emailLinkRequest struct {
	Email   string `json:"email"`
	OOBCode string `json:"oobCode"`
	IDToken string `json:"idToken"`
}

type emailLinkResponse struct {
	Kind      string `json:"kind"`
	Email     string `json:"email"`
	LocalID   string `json:"localId"`
	IsNewUser bool   `json:"isNewUser"`
	pendingFactor
	tokens
}

// signInWithEmailLink verifies the address and creates a missing account. With an ID token it sets that account's address.
func (p *Provider) signInWithEmailLink(_ *call, in *emailLinkRequest) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	holder, err := p.linkHolder(in.IDToken)
	if err != nil {
		return nil, err
	}
	mail, err := p.signInMail(in)
	if err != nil {
		return nil, err
	}
	delete(p.codes, mail.Code)
	p.changed()
	user, isNew, err := p.emailLinkAccount(holder, mail.Email)
	if err != nil {
		return nil, err
	}
	if user.Email != mail.Email {
		user.InitialEmail = first(user.InitialEmail, user.Email)
		if user.Email != "" {
			user.revokeSessions(p.now())
		}
	}
	user.Email, user.EmailVerified, user.EmailLink = mail.Email, true, true
	delete(p.failures, user.Email)
	response := emailLinkResponse{
		Kind: "identitytoolkit#EmailLinkSigninResponse", Email: user.Email, LocalID: user.LocalID, IsNewUser: isNew,
	}
	response.pendingFactor, response.tokens, err = p.finishFirstFactor(user, ProviderPassword)
	return response, err
}

// linkHolder returns nil without an ID token. Caller holds mu.
func (p *Provider) linkHolder(idToken string) (*account, error) {
	if idToken == "" {
		return nil, nil
	}
	user, _, err := p.authenticate(idToken)
	return &user, err
}

// signInMail returns the code's mail if it went to the address. Caller holds mu.
func (p *Provider) signInMail(in *emailLinkRequest) (code, error) {
	mail, found := p.codes[in.OOBCode]
	switch {
	case in.Email == "":
		return code{}, errMissingEmail
	case in.OOBCode == "":
		return code{}, refuse("MISSING_OOB_CODE")
	case !found || mail.Type != requestEmailSignIn:
		return code{}, errInvalidOOBCode
	case mail.expired(p.now()):
		return code{}, errExpiredOOBCode
	case !strings.EqualFold(mail.Email, in.Email):
		return code{}, refuse("INVALID_EMAIL : The email provided does not match the sign-in email address.")
	}
	return mail, nil
}

// Caller holds mu.
func (p *Provider) emailLinkAccount(holder *account, email string) (user account, isNew bool, err error) {
	owner, found := p.users.email(email)
	switch {
	case holder != nil && found && holder.LocalID != owner.LocalID:
		return account{}, false, errEmailExists
	case holder != nil:
		return *holder, false, nil
	case !found:
		return p.newAccount(""), true, nil
	case owner.Disabled:
		return account{}, false, errUserDisabled
	}
	return owner, false, nil
}
