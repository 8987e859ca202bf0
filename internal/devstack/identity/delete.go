package identity

type deleteRequest struct {
	LocalID string `json:"localId"`
	IDToken string `json:"idToken"`
}

// deleteAccount demands a recent sign-in of clients.
func (p *Provider) deleteAccount(c *call, in *deleteRequest) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, err := p.deletable(c, in)
	if err != nil {
		return nil, err
	}
	p.forget(user)
	return map[string]string{"kind": "identitytoolkit#DeleteAccountResponse"}, nil
}

func (p *Provider) deletable(c *call, in *deleteRequest) (account, error) {
	if !c.admin {
		user, claims, err := p.authenticate(in.IDToken)
		if err != nil {
			return account{}, err
		}
		return user, p.recent(claims)
	}
	if in.LocalID == "" {
		return account{}, errMissingLocalID
	}
	user, found := p.users.get(in.LocalID)
	if !found {
		return account{}, errUserNotFound
	}
	return user, nil
}

func (p *Provider) forget(user account) {
	p.users.remove(user.LocalID)
	delete(p.failures, user.Email)
	p.changed()
}

type batchDeleteRequest struct {
	LocalIDs []string `json:"localIds"`
	Force    bool     `json:"force"`
}

type batchDeleteError struct {
	Index   int    `json:"index"`
	LocalID string `json:"localId"`
	Message string `json:"message"`
}

type batchDeleteResponse struct {
	Errors []batchDeleteError `json:"errors,omitempty"`
}

// batchDelete without force removes disabled accounts only. It ignores unknown uids.
func (p *Provider) batchDelete(_ *call, in *batchDeleteRequest) (any, error) {
	if len(in.LocalIDs) == 0 || len(in.LocalIDs) > maxBatch {
		return nil, refuse("LOCAL_ID_LIST_EXCEEDS_LIMIT")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var response batchDeleteResponse
	for index, id := range in.LocalIDs {
		user, found := p.users.get(id)
		switch {
		case !found:
		case !user.Disabled && !in.Force:
			response.Errors = append(response.Errors, batchDeleteError{
				Index: index, LocalID: id, Message: "NOT_DISABLED : Disable the account before batch deletion.",
			})
		default:
			p.forget(user)
		}
	}
	return response, nil
}

func (p *Provider) clearAccounts(*call, *empty) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users = newStore()
	p.failures = map[string]failure{}
	p.changed()
	return empty{}, nil
}
