package identity

import "errors"

type idpResponse struct {
	Kind             string   `json:"kind"`
	Context          string   `json:"context"`
	ProviderID       string   `json:"providerId"`
	FederatedID      string   `json:"federatedId"`
	RawUserInfo      string   `json:"rawUserInfo"`
	LocalID          string   `json:"localId,omitempty"`
	Email            string   `json:"email,omitempty"`
	EmailVerified    bool     `json:"emailVerified"`
	EmailRecycled    bool     `json:"emailRecycled,omitempty"`
	DisplayName      string   `json:"displayName,omitempty"`
	FullName         string   `json:"fullName,omitempty"`
	FirstName        string   `json:"firstName,omitempty"`
	LastName         string   `json:"lastName,omitempty"`
	ScreenName       string   `json:"screenName,omitempty"`
	PhotoURL         string   `json:"photoUrl,omitempty"`
	OAuthIDToken     string   `json:"oauthIdToken,omitempty"`
	OAuthAccessToken string   `json:"oauthAccessToken,omitempty"`
	IsNewUser        bool     `json:"isNewUser,omitempty"`
	NeedConfirmation bool     `json:"needConfirmation,omitempty"`
	VerifiedProvider []string `json:"verifiedProvider,omitempty"`
	ErrorMessage     string   `json:"errorMessage,omitempty"`
	pendingFactor
	tokens
}

// signInWithIdp selects the linked account, else the verified address's, else a new one. An ID token of ours links its account instead.
func (p *Provider) signInWithIdp(_ *call, in *idpRequest) (any, error) {
	credential, err := readIDPCredential(in)
	if err != nil {
		return nil, err
	}
	response, err := newIDPResponse(credential)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	holder, err := p.linkHolder(in.IDToken)
	if err != nil {
		return nil, err
	}
	user, err := p.idpAccount(in, credential, holder, &response)
	var refusal *apiError
	switch {
	case errors.As(err, &refusal) && in.ReturnIDPCredential && reported(refusal):
		response.ErrorMessage = refusal.message
		return response, nil
	case err != nil:
		return nil, err
	}
	response.LocalID = user.LocalID
	if response.NeedConfirmation {
		return response, nil
	}
	if user.Disabled {
		return nil, errUserDisabled
	}
	user.linkProvider(credential.linked())
	if user.Email == response.Email {
		response.EmailVerified = user.EmailVerified
	}
	response.pendingFactor, response.tokens, err = p.finishFirstFactor(user, credential.ProviderID)
	return response, err
}

func reported(refusal *apiError) bool {
	return refusal == errAlreadyLinked || refusal == errEmailExists
}

var errAlreadyLinked = refuse("FEDERATED_USER_ID_ALREADY_LINKED")

func newIDPResponse(c idpCredential) (idpResponse, error) {
	raw, err := c.rawUserInfo()
	response := idpResponse{
		Kind: "identitytoolkit#VerifyAssertionResponse", ProviderID: c.ProviderID, FederatedID: c.federatedID(), RawUserInfo: raw,
		Email: c.Claims.Email, EmailVerified: c.Claims.EmailVerified, DisplayName: c.Claims.Name, FullName: c.Claims.Name,
		ScreenName: c.Claims.ScreenName, PhotoURL: c.Claims.Picture, OAuthIDToken: c.IDToken,
		OAuthAccessToken: first(c.AccessToken, "fake-access-token-of-"+c.ProviderID),
	}
	if c.ProviderID == googleProvider {
		response.FirstName, response.LastName = c.Claims.GivenName, c.Claims.FamilyName
	}
	return response, err
}

// Caller holds mu.
func (p *Provider) idpAccount(in *idpRequest, c idpCredential, holder *account, response *idpResponse) (account, error) {
	linked, isLinked := p.users.federated(c.ProviderID, c.Claims.Subject)
	owner, isOwned := p.users.email(c.Claims.Email)
	switch {
	case holder != nil && isLinked:
		return account{}, errAlreadyLinked
	case holder != nil && isOwned && owner.LocalID != holder.LocalID:
		return account{}, errEmailExists
	case holder != nil:
		return withIDPEmail(*holder, c), nil
	case isLinked:
		return linked, nil
	case isOwned && !c.Claims.EmailVerified:
		response.NeedConfirmation, response.VerifiedProvider = true, federatedIDs(owner)
		return owner, nil
	case isOwned:
		response.EmailRecycled = owner.linksAnother(c)
		return p.provenByIDP(owner, c), nil
	case in.AutoCreate != nil && !*in.AutoCreate:
		return account{}, refuse("EMAIL_NOT_FOUND") // the SDKs' code for another user's credential
	}
	response.IsNewUser = true
	user := p.newAccount("")
	user.Email, user.EmailVerified = c.Claims.Email, c.Claims.EmailVerified && c.Claims.Email != ""
	user.DisplayName, user.PhotoURL, user.ScreenName = c.Claims.Name, c.Claims.Picture, c.Claims.ScreenName
	return user, nil
}

func withIDPEmail(user account, c idpCredential) account {
	if user.Email == "" {
		user.Email = c.Claims.Email
	}
	if user.Email != "" && user.Email == c.Claims.Email && c.Claims.EmailVerified {
		user.EmailVerified = true
	}
	return user
}

// provenByIDP ends an unverified account's other sign-in methods and sessions: a stranger may have created it.
func (p *Provider) provenByIDP(user account, c idpCredential) account {
	if !user.EmailVerified {
		user.Password, user.PhoneNumber, user.Providers = passwordHash{}, "", nil
		user.revokeSessions(p.now())
	}
	user.EmailVerified = true
	user.DisplayName, user.PhotoURL, user.ScreenName = c.Claims.Name, c.Claims.Picture, c.Claims.ScreenName
	return user
}

func federatedIDs(user account) []string {
	var ids []string
	for _, linked := range user.Providers {
		ids = append(ids, linked.ProviderID)
	}
	return ids
}

func (a account) linksAnother(c idpCredential) bool {
	for _, linked := range a.Providers {
		if linked.ProviderID == c.ProviderID && linked.RawID != c.Claims.Subject {
			return true
		}
	}
	return false
}
