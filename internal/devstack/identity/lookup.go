package identity

import (
	"encoding/base64"
	"time"
)

type userView struct {
	LocalID           string       `json:"localId"`
	Email             string       `json:"email,omitempty"`
	InitialEmail      string       `json:"initialEmail,omitempty"`
	EmailVerified     *bool        `json:"emailVerified,omitempty"`
	DisplayName       string       `json:"displayName,omitempty"`
	EmailLinkSignin   bool         `json:"emailLinkSignin,omitempty"`
	PhotoURL          string       `json:"photoUrl,omitempty"`
	ScreenName        string       `json:"screenName,omitempty"`
	PhoneNumber       string       `json:"phoneNumber,omitempty"`
	PasswordHash      string       `json:"passwordHash,omitempty"`
	Salt              string       `json:"salt,omitempty"`
	Version           *int         `json:"version,omitempty"`
	PasswordUpdatedAt int64        `json:"passwordUpdatedAt,omitempty"`
	ProviderUserInfo  []provider   `json:"providerUserInfo,omitempty"`
	MFAInfo           []factorView `json:"mfaInfo,omitempty"`
	ValidSince        string       `json:"validSince,omitempty"`
	Disabled          bool         `json:"disabled,omitempty"`
	CustomAuth        bool         `json:"customAuth,omitempty"`
	CustomAttributes  string       `json:"customAttributes,omitempty"`
	CreatedAt         string       `json:"createdAt,omitempty"`
	LastLoginAt       string       `json:"lastLoginAt,omitempty"`
	LastRefreshAt     string       `json:"lastRefreshAt,omitempty"`
}

var redactedHash = base64.StdEncoding.EncodeToString([]byte("REDACTED"))

type hashAccess int

const (
	hashesOfClient hashAccess = iota
	hashesRedacted            // an admin without the permission
	hashesShown
)

// view never shows imported hashes to admins.
func view(a account, access hashAccess) userView {
	v := userView{
		LocalID: a.LocalID, Email: a.Email, InitialEmail: a.InitialEmail, DisplayName: a.DisplayName, PhotoURL: a.PhotoURL,
		PhoneNumber: a.PhoneNumber, ProviderUserInfo: a.allProviders(), Disabled: a.Disabled, CustomAuth: a.CustomAuth,
		CustomAttributes: a.CustomAttributes, CreatedAt: millis(a.CreatedAt), LastLoginAt: millis(a.LastLoginAt),
		MFAInfo: a.factorViews(), EmailLinkSignin: a.EmailLink, ScreenName: a.ScreenName,
	}
	if a.Email != "" || a.EmailVerified {
		v.EmailVerified = &a.EmailVerified
	}
	if !a.ValidSince.IsZero() {
		v.ValidSince = seconds(a.ValidSince)
	}
	if !a.LastRefreshAt.IsZero() {
		v.LastRefreshAt = a.LastRefreshAt.Format(time.RFC3339Nano)
	}
	if a.Password.set() {
		v.showPassword(a, access)
	}
	return v
}

func (v *userView) showPassword(a account, access hashAccess) {
	v.PasswordUpdatedAt = a.PasswordAt.UnixMilli()
	if access == hashesOfClient {
		v.PasswordHash = redactedHash
		return
	}
	if !a.Password.own() {
		return
	}
	v.PasswordHash, v.Version = redactedHash, &a.Password.Version
	if access == hashesShown {
		v.PasswordHash, v.Salt = encode64(a.Password.Hash), encode64(a.Password.Salt)
	}
}

type lookupRequest struct {
	IDToken         string   `json:"idToken"`
	LocalID         []string `json:"localId"`
	Email           []string `json:"email"`
	PhoneNumber     []string `json:"phoneNumber"`
	InitialEmail    []string `json:"initialEmail"`
	FederatedUserID []struct {
		ProviderID string `json:"providerId"`
		RawID      string `json:"rawId"`
	} `json:"federatedUserId"`
}

type lookupResponse struct {
	Kind  string     `json:"kind"`
	Users []userView `json:"users,omitempty"`
}

// lookup omits unknown users.
func (p *Provider) lookup(c *call, in *lookupRequest) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	response := lookupResponse{Kind: "identitytoolkit#GetAccountInfoResponse"}
	if !c.admin {
		user, _, err := p.authenticate(in.IDToken)
		if err != nil {
			return nil, err
		}
		response.Users = []userView{view(user, hashesOfClient)}
		return response, nil
	}
	seen := map[string]bool{}
	for _, user := range p.named(in) {
		if !seen[user.LocalID] {
			seen[user.LocalID] = true
			response.Users = append(response.Users, view(user, p.hashes.access(true)))
		}
	}
	return response, nil
}

func (p *Provider) named(in *lookupRequest) []account {
	var list []account
	add := func(user account, found bool) {
		if found {
			list = append(list, user)
		}
	}
	for _, id := range in.LocalID {
		add(p.users.get(id))
	}
	for _, address := range in.Email {
		add(p.users.email(address))
	}
	for _, number := range in.PhoneNumber {
		add(p.users.phone(number))
	}
	for _, f := range in.FederatedUserID {
		add(p.users.federated(f.ProviderID, f.RawID))
	}
	for _, address := range in.InitialEmail {
		add(p.byInitialEmail(address))
	}
	return list
}

func (p *Provider) byInitialEmail(address string) (account, bool) {
	for _, user := range p.users.byID {
		if user.InitialEmail != "" && user.InitialEmail == canonicalEmail(address) {
			return user.clone(), true
		}
	}
	return account{}, false
}
