package identity

import (
	"slices"
	"strconv"
	"time"
)

// Identity Toolkit's sign-in providers; others are federated, such as google.com.
const (
	ProviderPassword  = "password"
	ProviderPhone     = "phone"
	ProviderAnonymous = "anonymous"
	ProviderCustom    = "custom"
)

// account is a user. Stored values are immutable: put a changed clone.
type account struct {
	LocalID          string       `json:"localId"`
	Email            string       `json:"email,omitempty"`
	InitialEmail     string       `json:"initialEmail,omitempty"`
	EmailVerified    bool         `json:"emailVerified,omitempty"`
	EmailLink        bool         `json:"emailLink,omitempty"`
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
	// ValidSince is tokensValidAfterTime: tokens issued before that second are invalid.
	ValidSince time.Time `json:"validSince,omitzero"`
	// SessionsFrom is the same in milliseconds: a change ends refresh tokens of the same second too.
	SessionsFrom time.Time `json:"sessionsFrom"`
}

// provider is a federated identity. Password and phone entries are derived, not stored.
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

func (a *account) linkProvider(p provider) {
	a.unlinkProvider(p.ProviderID)
	a.Providers = append(a.Providers, p)
}

func (a *account) unlinkProvider(id string) {
	a.Providers = slices.DeleteFunc(slices.Clone(a.Providers), func(have provider) bool { return have.ProviderID == id })
}

func (a *account) revokeSessions(now time.Time) {
	a.ValidSince = now.Truncate(time.Second)
	a.SessionsFrom = now
}

// store is guarded by Provider.mu.
type store struct {
	byID    map[string]account
	byEmail map[string]string
	byPhone map[string]string
	byRawID map[string]string
	order   uidOrder
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

func (s *store) put(a account) {
	if old, known := s.byID[a.LocalID]; known {
		s.unindex(old)
	} else {
		s.order.insert(a.LocalID)
	}
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
	s.unindex(old)
	s.order.remove(localID)
	delete(s.byID, localID)
}

func (s *store) unindex(old account) {
	delete(s.byEmail, old.Email)
	delete(s.byPhone, old.PhoneNumber)
	for _, p := range old.Providers {
		delete(s.byRawID, rawKey(p.ProviderID, p.RawID))
	}
}

func (s *store) sorted() []account { return s.page("", len(s.byID)) }

// page returns accounts with uids above one. Clone them before a change.
func (s *store) page(after string, size int) []account {
	list := make([]account, 0, min(size, len(s.byID)))
	for uid := range s.order.after(after) {
		if len(list) == size {
			break
		}
		list = append(list, s.byID[uid])
	}
	return list
}

func rawKey(providerID, rawID string) string { return providerID + "\x00" + rawID }

func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
