package identity

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The sign-in providers that Identity Toolkit itself knows; every other name is a federated one such as google.com.
const (
	ProviderPassword  = "password"
	ProviderPhone     = "phone"
	ProviderAnonymous = "anonymous"
	ProviderCustom    = "custom"
)

// account is one user as the store keeps it. Values in the store are never changed in place: change a clone and put it.
type account struct {
	LocalID          string       `json:"localId"`
	Email            string       `json:"email,omitempty"`
	InitialEmail     string       `json:"initialEmail,omitempty"`
	EmailVerified    bool         `json:"emailVerified,omitempty"`
	EmailLink        bool         `json:"emailLink,omitempty"` // has signed in by a link in a mail
	DisplayName      string       `json:"displayName,omitempty"`
	PhotoURL         string       `json:"photoUrl,omitempty"`
	ScreenName       string       `json:"screenName,omitempty"`
	PhoneNumber      string       `json:"phoneNumber,omitempty"`
	Disabled         bool         `json:"disabled,omitempty"`
	CustomAttributes string       `json:"customAttributes,omitempty"`
	CustomAuth       bool         `json:"customAuth,omitempty"`
	Password         passwordHash `json:"password"`
	PasswordAt       time.Time    `json:"passwordAt,omitzero"`
	Providers        []provider   `json:"providers,omitempty"`
	Factors          []factor     `json:"factors,omitempty"`
	CreatedAt        time.Time    `json:"createdAt"`
	LastLoginAt      time.Time    `json:"lastLoginAt,omitzero"`
	LastRefreshAt    time.Time    `json:"lastRefreshAt,omitzero"`
	// ValidSince is Firebase's tokensValidAfterTime, in whole seconds: tokens issued before it are dead.
	ValidSince time.Time `json:"validSince,omitzero"`
	// SessionsFrom is the same for sessions, to the millisecond, set by what revokes them here (password, e-mail, creation
	// of the account): a refresh token taken in the same second as the change must not survive it.
	SessionsFrom time.Time `json:"sessionsFrom"`
}

// provider is a federated identity of an account, as providerUserInfo shows it. Password and phone entries are derived
// from the account when it is shown and are not stored.
type provider struct {
	ProviderID  string `json:"providerId"`
	RawID       string `json:"rawId,omitempty"`
	FederatedID string `json:"federatedId,omitempty"`
	Email       string `json:"email,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	PhotoURL    string `json:"photoUrl,omitempty"`
	PhoneNumber string `json:"phoneNumber,omitempty"`
	ScreenName  string `json:"screenName,omitempty"`
}

func (a account) clone() account {
	a.Providers = slices.Clone(a.Providers)
	a.Factors = slices.Clone(a.Factors)
	return a
}

// allProviders is the whole providerUserInfo list: federated ones, then password, then phone.
func (a account) allProviders() []provider {
	list := slices.Clone(a.Providers)
	if a.Email != "" && (a.Password.set() || a.EmailLink) {
		list = append(list, provider{
			ProviderID: ProviderPassword, Email: a.Email, FederatedID: a.Email, RawID: a.Email,
			DisplayName: a.DisplayName, PhotoURL: a.PhotoURL,
		})
	}
	if a.PhoneNumber != "" {
		list = append(list, provider{ProviderID: ProviderPhone, PhoneNumber: a.PhoneNumber, RawID: a.PhoneNumber})
	}
	return list
}

// linkProvider adds a federated identity, in place of an earlier one of the same provider.
func (a *account) linkProvider(p provider) {
	a.unlinkProvider(p.ProviderID)
	a.Providers = append(a.Providers, p)
}

func (a *account) unlinkProvider(id string) {
	a.Providers = slices.DeleteFunc(slices.Clone(a.Providers), func(have provider) bool { return have.ProviderID == id })
}

// revokeSessions ends every session so far, as a new password or a new e-mail does.
func (a *account) revokeSessions(now time.Time) {
	a.ValidSince = now.Truncate(time.Second)
	a.SessionsFrom = now
}

// store indexes accounts. It is not safe for concurrent use: the provider's mutex is.
type store struct {
	byID    map[string]account
	byEmail map[string]string
	byPhone map[string]string
	byRawID map[string]string
}

func newStore() *store {
	return &store{
		byID: map[string]account{}, byEmail: map[string]string{}, byPhone: map[string]string{}, byRawID: map[string]string{},
	}
}

func (s *store) get(localID string) (account, bool) {
	a, ok := s.byID[localID]
	return a.clone(), ok
}

func (s *store) email(address string) (account, bool) {
	return s.get(s.byEmail[canonicalEmail(address)])
}
func (s *store) phone(number string) (account, bool) { return s.get(s.byPhone[number]) }
func (s *store) federated(providerID, raw string) (account, bool) {
	return s.get(s.byRawID[rawKey(providerID, raw)])
}

// put stores an account under its uid and moves the indexes from what it was to what it is.
func (s *store) put(a account) {
	s.remove(a.LocalID)
	s.byID[a.LocalID] = a
	if a.Email != "" {
		s.byEmail[a.Email] = a.LocalID
	}
	if a.PhoneNumber != "" {
		s.byPhone[a.PhoneNumber] = a.LocalID
	}
	for _, p := range a.Providers {
		s.byRawID[rawKey(p.ProviderID, p.RawID)] = a.LocalID
	}
}

func (s *store) remove(localID string) {
	old, ok := s.byID[localID]
	if !ok {
		return
	}
	delete(s.byID, localID)
	delete(s.byEmail, old.Email)
	delete(s.byPhone, old.PhoneNumber)
	for _, p := range old.Providers {
		delete(s.byRawID, rawKey(p.ProviderID, p.RawID))
	}
}

// sorted lists every account by uid, the order in which pages are handed out.
func (s *store) sorted() []account {
	list := slices.Collect(maps.Values(s.byID))
	slices.SortFunc(list, func(a, b account) int { return strings.Compare(a.LocalID, b.LocalID) })
	return list
}

func rawKey(providerID, rawID string) string { return providerID + "\x00" + rawID }

func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
