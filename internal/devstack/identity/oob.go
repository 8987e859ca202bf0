package identity

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	requestPasswordReset = "PASSWORD_RESET"
	requestVerifyEmail   = "VERIFY_EMAIL"
	requestEmailSignIn   = "EMAIL_SIGNIN"
	requestChangeEmail   = "VERIFY_AND_CHANGE_EMAIL"
	requestRecoverEmail  = "RECOVER_EMAIL"

	oobCodeLength = 54
)

var errExpiredOOBCode = refuse("EXPIRED_OOB_CODE")

type code struct {
	Code     string    `json:"oobCode"`
	Type     string    `json:"requestType"`
	Email    string    `json:"email"`
	NewEmail string    `json:"newEmail,omitempty"`
	Link     string    `json:"oobLink"`
	Sent     time.Time `json:"sent"`
	Expires  time.Time `json:"expires"`

	order int // times may be equal
}

func (c code) expired(now time.Time) bool { return !now.Before(c.Expires) }

type oobRequest struct {
	RequestType   string `json:"requestType"`
	Email         string `json:"email"`
	NewEmail      string `json:"newEmail"`
	IDToken       string `json:"idToken"`
	ContinueURL   string `json:"continueUrl"`
	ReturnOOBLink bool   `json:"returnOobLink"`
}

type oobResponse struct {
	Kind    string `json:"kind"`
	Email   string `json:"email,omitempty"`
	OOBCode string `json:"oobCode,omitempty"`
	OOBLink string `json:"oobLink,omitempty"`
}

// sendOobCode gives admins the link on request.
func (p *Provider) sendOobCode(c *call, in *oobRequest) (any, error) {
	if err := checkOOBRequest(c, in); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	address, send, err := p.oobRecipient(in)
	if err != nil {
		return nil, err
	}
	response := oobResponse{Kind: "identitytoolkit#GetOobConfirmationCodeResponse", Email: address}
	if !send {
		return response, nil
	}
	mail := p.newCode(in.RequestType, address, c.base(), in.ContinueURL)
	if in.RequestType == requestChangeEmail {
		mail.NewEmail = canonicalEmail(in.NewEmail)
	}
	p.codes[mail.Code] = mail
	p.changed()
	if in.ReturnOOBLink {
		response.OOBCode, response.OOBLink = mail.Code, mail.Link
	}
	return response, nil
}

func checkOOBRequest(c *call, in *oobRequest) error {
	switch {
	case in.RequestType == "" || in.RequestType == "OOB_REQ_TYPE_UNSPECIFIED":
		return refuse("MISSING_REQ_TYPE")
	case in.ReturnOOBLink && !c.admin:
		return errInsufficientPermission
	case in.ContinueURL != "" && !absoluteURL(in.ContinueURL):
		return refuse("INVALID_CONTINUE_URI")
	}
	return nil
}

// oobRecipient returns send false for an unknown address under enumeration protection. Caller holds mu.
func (p *Provider) oobRecipient(in *oobRequest) (address string, send bool, err error) {
	switch in.RequestType {
	case requestEmailSignIn:
		if in.Email == "" {
			return "", false, errMissingEmail
		}
		if !validEmail(in.Email) {
			return "", false, errInvalidEmail
		}
		return canonicalEmail(in.Email), true, nil
	case requestPasswordReset:
		return p.resetRecipient(in.Email)
	case requestVerifyEmail:
		address, err = p.ownAddress(in)
		return address, true, err
	case requestChangeEmail:
		return p.changeRecipient(in)
	default:
		return "", false, unserved("A mail of kind " + in.RequestType)
	}
}

func (p *Provider) resetRecipient(email string) (string, bool, error) {
	if email == "" {
		return "", false, errMissingEmail
	}
	_, found := p.users.email(email)
	if !found && !p.config.EmailPrivacy.EnableImprovedEmailPrivacy {
		return "", false, refuse("EMAIL_NOT_FOUND")
	}
	return canonicalEmail(email), found, nil
}

func (p *Provider) changeRecipient(in *oobRequest) (string, bool, error) {
	if in.NewEmail == "" {
		return "", false, refuse("MISSING_NEW_EMAIL")
	}
	if !validEmail(in.NewEmail) {
		return "", false, refuse("INVALID_NEW_EMAIL")
	}
	address, err := p.ownAddress(in)
	if err != nil {
		return "", false, err
	}
	if _, taken := p.users.email(in.NewEmail); taken {
		return "", false, errEmailExists
	}
	return address, true, nil
}

func (p *Provider) ownAddress(in *oobRequest) (string, error) {
	if in.ReturnOOBLink && in.IDToken == "" {
		if in.Email == "" {
			return "", errMissingEmail
		}
		user, found := p.users.email(in.Email)
		if !found {
			return "", errUserNotFound
		}
		return user.Email, nil
	}
	if in.IDToken == "" && in.RequestType == requestVerifyEmail {
		return "", errInvalidIDToken
	}
	user, _, err := p.authenticate(in.IDToken)
	if err != nil {
		return "", err
	}
	if user.Email == "" {
		return "", errMissingEmail
	}
	return user.Email, nil
}

var modes = map[string]string{
	requestPasswordReset: "resetPassword", requestVerifyEmail: "verifyEmail", requestEmailSignIn: "signIn",
	requestChangeEmail: "verifyAndChangeEmail", requestRecoverEmail: "recoverEmail",
}

// Caller holds mu.
func (p *Provider) newCode(requestType, address, base, continueURL string) code {
	text := p.randomID(oobCodeLength)
	query := url.Values{"mode": {modes[requestType]}, "lang": {"en"}, "oobCode": {text}, "apiKey": {first(p.opts.APIKey, "fake-api-key")}}
	if continueURL != "" {
		query.Set("continueUrl", continueURL)
	}
	p.sent++
	return code{
		order: p.sent, Code: text, Type: requestType, Email: address, Link: base + "/emulator/action?" + query.Encode(),
		Sent: p.now(), Expires: p.now().Add(p.opts.CodeTTL),
	}
}

// Caller holds mu.
func (p *Provider) sortedCodes() []code {
	list := slices.Collect(maps.Values(p.codes))
	slices.SortFunc(list, func(a, b code) int { return cmp.Compare(a.order, b.order) })
	return list
}

type codeList struct {
	Codes []code `json:"oobCodes"`
}

func (p *Provider) listCodes(*call, *empty) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return codeList{Codes: append([]code{}, p.sortedCodes()...)}, nil
}

// serveAction is the link's page for developers.
func (p *Provider) serveAction(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	var err error
	switch query.Get("mode") {
	case "resetPassword":
		if query.Get("newPassword") == "" {
			err = refuse("MISSING_PASSWORD : Add &newPassword=... to the link.")
			break
		}
		_, err = p.resetPassword(nil, &resetRequest{OOBCode: query.Get("oobCode"), NewPassword: query.Get("newPassword")})
	case "signIn":
		p.continueSignIn(w, r)
		return
	case "verifyEmail", "verifyAndChangeEmail", "recoverEmail":
		_, err = p.updateByCode(query.Get("oobCode"))
	default:
		err = errInvalidOOBCode
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if app := query.Get("continueUrl"); app != "" && query.Get("mode") != "recoverEmail" {
		http.Redirect(w, r, app, http.StatusSeeOther)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"authEmulator": map[string]string{"success": "Done."}})
}

// continueSignIn redirects to the app, which redeems the code.
func (p *Provider) continueSignIn(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	app, err := url.Parse(query.Get("continueUrl"))
	if err != nil || !absoluteURL(query.Get("continueUrl")) {
		writeError(w, refuse("INVALID_CONTINUE_URI : Add &continueUrl=YOUR_APP_URL to the link."))
		return
	}
	query.Del("continueUrl")
	parameters := app.Query()
	maps.Copy(parameters, query)
	app.RawQuery = parameters.Encode()
	http.Redirect(w, r, app.String(), http.StatusSeeOther)
}
