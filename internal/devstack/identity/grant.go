package identity

import (
	"errors"
	"net/http"
)

type grantRequest struct {
	GrantType    string `json:"grantType"`
	RefreshToken string `json:"refreshToken"`
}

type grantResponse struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    string `json:"expires_in"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	UserID       string `json:"user_id"`
	ProjectID    string `json:"project_id"`
}

const projectNumber = "12345"

// grant keeps auth_time: a refresh is no sign-in.
func (p *Provider) grant(_ *call, in *grantRequest) (any, error) {
	response, err := p.refresh(in.GrantType, in.RefreshToken)
	var refusal *apiError
	if errors.As(err, &refusal) {
		return nil, &apiError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: refusal.message, bare: true}
	}
	return response, err
}

func (p *Provider) refresh(grantType, refreshToken string) (any, error) {
	switch {
	case grantType == "":
		return nil, refuse("MISSING_GRANT_TYPE")
	case grantType != "refresh_token":
		return nil, refuse("INVALID_GRANT_TYPE")
	case refreshToken == "":
		return nil, refuse("MISSING_REFRESH_TOKEN")
	}
	current, ok := p.open(refreshToken)
	if !ok {
		return nil, refuse("INVALID_REFRESH_TOKEN")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	user, err := p.sessionOwner(current)
	if err != nil {
		return nil, err
	}
	pair, err := p.issue(user, current)
	if err != nil {
		return nil, err
	}
	return grantResponse{
		AccessToken: pair.IDToken, IDToken: pair.IDToken, RefreshToken: pair.RefreshToken, ExpiresIn: pair.ExpiresIn,
		TokenType: "Bearer", UserID: user.LocalID, ProjectID: projectNumber,
	}, nil
}

// Caller holds mu.
func (p *Provider) sessionOwner(s session) (account, error) {
	user, found := p.users.get(s.LocalID)
	switch {
	case !found:
		return account{}, errUserNotFound
	case user.Disabled:
		return account{}, errUserDisabled
	case s.Started.Unix() < user.ValidSince.Unix() && !user.ValidSince.IsZero(), s.Started.Before(user.SessionsFrom):
		return account{}, errTokenExpired
	}
	return user, nil
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
