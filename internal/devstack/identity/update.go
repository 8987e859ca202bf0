package identity

import (
	"slices"
	"strconv"
	"time"
)

type updateRequest struct {
	IDToken           string     `json:"idToken"`
	OOBCode           string     `json:"oobCode"`
	LocalID           string     `json:"localId"`
	Email             string     `json:"email"`
	Password          string     `json:"password"`
	DisplayName       *string    `json:"displayName"`
	PhotoURL          *string    `json:"photoUrl"`
	PhoneNumber       string     `json:"phoneNumber"`
	EmailVerified     *bool      `json:"emailVerified"`
	DisableUser       *bool      `json:"disableUser"`
	CustomAttributes  *string    `json:"customAttributes"`
	ValidSince        int64Text  `json:"validSince"`
	CreatedAt         int64Text  `json:"createdAt"`
	LastLoginAt       int64Text  `json:"lastLoginAt"`
	DeleteAttribute   []string   `json:"deleteAttribute"`
	DeleteProvider    []string   `json:"deleteProvider"`
	LinkProvider      *provider  `json:"linkProviderUserInfo"`
	MFA               *mfaChange `json:"mfa"`
	ReturnSecureToken bool       `json:"returnSecureToken"`
}

type updateResponse struct {
	Kind             string     `json:"kind"`
	LocalID          string     `json:"localId"`
	Email            string     `json:"email,omitempty"`
	NewEmail         string     `json:"newEmail,omitempty"`
	EmailVerified    *bool      `json:"emailVerified,omitempty"`
	DisplayName      string     `json:"displayName,omitempty"`
	PhotoURL         string     `json:"photoUrl,omitempty"`
	PasswordHash     string     `json:"passwordHash,omitempty"`
	ProviderUserInfo []provider `json:"providerUserInfo,omitempty"`
	tokens
}

// update returns a new session when a new password or e-mail has ended all.
func (p *Provider) update(c *call, in *updateRequest) (any, error) {
	if err := checkUpdateShape(c, in); err != nil {
		return nil, err
	}
	if in.OOBCode != "" {
		return p.updateByCode(in.OOBCode)
	}
	password, err := p.hashIfStrong(in.Password)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	user, current, err := p.updatable(c, in)
	if err != nil {
		return nil, err
	}
	change := updating{
		user: user, in: in, now: p.now(), admin: c.admin, password: password,
		anonymous: current != nil && current.Provider == ProviderAnonymous,
	}
	if err := change.apply(p); err != nil {
		return nil, err
	}
	p.offerRecovery(c, user, change.user)
	return p.finishUpdate(change, current)
}

func checkUpdateShape(c *call, in *updateRequest) error {
	switch {
	case !c.admin && in.IDToken == "" && in.OOBCode == "":
		return refuse("INVALID_REQ_TYPE : Unsupported request parameters.")
	case !c.admin && (in.CustomAttributes != nil || in.MFA != nil):
		return errInsufficientPermission
	case c.admin && in.LocalID == "":
		return errMissingLocalID
	}
	for _, attribute := range in.DeleteAttribute {
		if attribute == "PROVIDER" || attribute == "RAW_USER_INFO" {
			return unserved("Deleting the attribute " + attribute)
		}
	}
	if in.CustomAttributes != nil && *in.CustomAttributes != "" {
		if err := checkClaims(*in.CustomAttributes); err != nil {
			return err
		}
	}
	return nil
}

// Caller holds mu.
func (p *Provider) updatable(c *call, in *updateRequest) (account, *session, error) {
	if in.IDToken == "" {
		user, found := p.users.get(in.LocalID)
		if !found {
			return account{}, nil, errUserNotFound
		}
		return user, nil, nil
	}
	user, claims, err := p.authenticate(in.IDToken)
	if err != nil {
		return account{}, nil, err
	}
	if in.DisableUser != nil {
		return account{}, nil, refuse("OPERATION_NOT_ALLOWED")
	}
	current := claims.session()
	if c.admin {
		return user, &current, nil
	}
	if in.Email != "" && canonicalEmail(in.Email) != user.Email || in.Password != "" {
		if err := p.recent(claims); err != nil {
			return account{}, nil, err
		}
	}
	return user, &current, nil
}

type updating struct {
	user     account
	in       *updateRequest
	now      time.Time
	admin    bool
	password passwordHash
	newEmail string
	revoked  bool
	// anonymous: the first address is not recoverable.
	anonymous bool
}

// apply follows Identity Toolkit's order.
func (u *updating) apply(p *Provider) error {
	if err := u.applyEmail(p); err != nil {
		return err
	}
	if err := u.applyPassword(); err != nil {
		return err
	}
	u.applyProfile()
	if u.in.ValidSince != "" && !u.admin {
		u.revoke() // regardless of validSince
	}
	if u.admin {
		if err := u.applyAdmin(p); err != nil {
			return err
		}
	}
	u.applyDeletions()
	return u.applyLink(p)
}

func (u *updating) applyEmail(p *Provider) error {
	if u.in.Email == "" {
		return nil
	}
	if !validEmail(u.in.Email) {
		return errInvalidEmail
	}
	u.newEmail = canonicalEmail(u.in.Email)
	if u.newEmail == u.user.Email {
		return nil
	}
	if _, taken := p.users.email(u.newEmail); taken {
		return errEmailExists
	}
	if !u.admin && p.config.EmailPrivacy.EnableImprovedEmailPrivacy && u.user.Email != "" {
		return refuse("OPERATION_NOT_ALLOWED : Please verify the new email before changing email.")
	}
	if !u.anonymous {
		u.user.InitialEmail = first(u.user.InitialEmail, u.user.Email)
	}
	u.setEmail(u.newEmail, false)
	return nil
}

// offerRecovery mails the first address. Caller holds mu.
func (p *Provider) offerRecovery(c *call, before, after account) {
	if before.Email != after.Email && after.Email != "" && after.InitialEmail != "" {
		mail := p.newCode(requestRecoverEmail, after.InitialEmail, c.base(), "")
		p.codes[mail.Code] = mail
	}
}

func (u *updating) setEmail(address string, verified bool) {
	u.user.Email, u.user.EmailVerified = address, verified
	u.revoke()
}

func (u *updating) revoke() {
	u.user.revokeSessions(u.now)
	u.revoked = true
}

func (u *updating) applyPassword() error {
	if u.in.Password == "" {
		return nil
	}
	if !u.password.set() {
		return errWeakPassword
	}
	u.user.Password, u.user.PasswordAt = u.password, u.now
	u.revoke()
	return nil
}

func (u *updating) applyProfile() {
	if u.in.DisplayName != nil {
		u.user.DisplayName = *u.in.DisplayName
	}
	if u.in.PhotoURL != nil {
		u.user.PhotoURL = *u.in.PhotoURL
	}
}

func (u *updating) applyAdmin(p *Provider) error {
	in := u.in
	if in.PhoneNumber != "" && in.PhoneNumber != u.user.PhoneNumber {
		if !validPhone(in.PhoneNumber) {
			return errInvalidPhone
		}
		if _, taken := p.users.phone(in.PhoneNumber); taken {
			return errPhoneExists
		}
		u.user.PhoneNumber = in.PhoneNumber
	}
	if in.DisableUser != nil {
		u.user.Disabled = *in.DisableUser
	}
	if in.EmailVerified != nil {
		u.user.EmailVerified = *in.EmailVerified
	}
	if in.CustomAttributes != nil {
		u.user.CustomAttributes = *in.CustomAttributes
	}
	if in.ValidSince != "" {
		u.user.ValidSince = time.Unix(in.ValidSince.value(), 0).UTC()
	}
	if in.CreatedAt != "" {
		u.user.CreatedAt = time.UnixMilli(in.CreatedAt.value()).UTC()
	}
	if in.LastLoginAt != "" {
		u.user.LastLoginAt = time.UnixMilli(in.LastLoginAt.value()).UTC()
	}
	return u.applyFactors()
}

func (u *updating) applyDeletions() {
	for _, attribute := range u.in.DeleteAttribute {
		switch attribute {
		case "DISPLAY_NAME":
			u.user.DisplayName = ""
		case "PHOTO_URL":
			u.user.PhotoURL = ""
		case "PASSWORD":
			u.user.Password = passwordHash{}
		case "EMAIL":
			u.user.Email, u.user.EmailVerified, u.user.EmailLink = "", false, false
		}
	}
	for _, id := range u.in.DeleteProvider {
		u.user.unlinkProvider(id)
	}
	if slices.Contains(u.in.DeleteProvider, ProviderPassword) {
		u.user.Email, u.user.EmailVerified, u.user.EmailLink, u.user.Password = "", false, false, passwordHash{}
	}
	if slices.Contains(u.in.DeleteProvider, ProviderPhone) {
		u.user.PhoneNumber = ""
	}
}

func (u *updating) applyLink(p *Provider) error {
	link := u.in.LinkProvider
	switch {
	case link == nil:
		return nil
	case link.ProviderID == "":
		return refuse("MISSING_PROVIDER_ID")
	case link.RawID == "":
		return refuse("MISSING_RAW_ID")
	}
	if other, taken := p.users.federated(link.ProviderID, link.RawID); taken && other.LocalID != u.user.LocalID {
		return errAlreadyLinked
	}
	u.user.linkProvider(*link)
	return nil
}

// finishUpdate returns a new session after a revocation, else the client's own on request. Caller holds mu.
func (p *Provider) finishUpdate(u updating, current *session) (any, error) {
	p.users.put(u.user)
	p.changed()
	if u.revoked {
		delete(p.failures, u.user.Email)
	}
	response := updateView(u.user)
	response.NewEmail = u.newEmail
	if current == nil || !u.revoked && !u.in.ReturnSecureToken {
		return response, nil
	}
	next := current.in(u.user)
	if u.revoked {
		next.Started = u.now
	}
	if u.in.Password != "" {
		next.Provider = ProviderPassword
	}
	var err error
	response.tokens, err = p.issue(u.user, next)
	return response, err
}

func updateView(user account) updateResponse {
	shown := view(user, hashesOfClient)
	return updateResponse{
		Kind: "identitytoolkit#SetAccountInfoResponse", LocalID: user.LocalID, Email: user.Email,
		EmailVerified: shown.EmailVerified, DisplayName: user.DisplayName, PhotoURL: user.PhotoURL,
		PasswordHash: shown.PasswordHash, ProviderUserInfo: shown.ProviderUserInfo,
	}
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
