package identity

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

type idpRequest struct {
	RequestURI          string `json:"requestUri"`
	PostBody            string `json:"postBody"`
	IDToken             string `json:"idToken"`
	ReturnIDPCredential bool   `json:"returnIdpCredential"`
	AutoCreate          *bool  `json:"autoCreate"`
}

type idpCredential struct {
	ProviderID  string
	IDToken     string
	AccessToken string
	Claims      idpClaims
}

// idpClaims are unverified.
type idpClaims struct {
	Subject       string
	Email         string
	EmailVerified bool
	Name          string
	ScreenName    string
	Picture       string
	GivenName     string
	FamilyName    string
	All           map[string]any
}

// readIDPCredential merges requestUri, its fragment and postBody, as the emulator does.
func readIDPCredential(in *idpRequest) (idpCredential, error) {
	if in.RequestURI == "" {
		return idpCredential{}, refuse("MISSING_REQUEST_URI")
	}
	if !absoluteURL(in.RequestURI) {
		return idpCredential{}, refuse("INVALID_REQUEST_URI")
	}
	parameters, err := idpParameters(in)
	if err != nil {
		return idpCredential{}, err
	}
	credential := idpCredential{
		ProviderID: strings.ToLower(parameters.Get("providerId")), IDToken: parameters.Get("id_token"), AccessToken: parameters.Get("access_token"),
	}
	switch {
	case credential.ProviderID == "":
		return idpCredential{}, refuse("INVALID_CREDENTIAL_OR_PROVIDER_ID : Invalid IdP response/credential: " + in.RequestURI + "?" + parameters.Encode())
	case strings.HasPrefix(credential.ProviderID, "saml."):
		return idpCredential{}, refuse("OPERATION_NOT_ALLOWED : The identity provider configuration is not found.")
	case credential.IDToken == "" && credential.AccessToken == "":
		return idpCredential{}, unserved("A sign-in without an id_token")
	}
	credential.Claims, err = readIDPClaims(first(credential.IDToken, credential.AccessToken), credential.IDToken != "")
	return credential, err
}

func idpParameters(in *idpRequest) (url.Values, error) {
	address, err := url.Parse(in.RequestURI)
	if err != nil {
		return nil, refuse("INVALID_REQUEST_URI")
	}
	parameters := address.Query()
	for _, encoded := range []string{in.PostBody, address.Fragment} {
		given, err := url.ParseQuery(encoded)
		if err != nil {
			return nil, refuse("INVALID_CREDENTIAL_OR_PROVIDER_ID : Invalid IdP response/credential: " + encoded)
		}
		for name := range given {
			parameters.Set(name, given.Get(name))
		}
	}
	return parameters, nil
}

func readIDPClaims(token string, isIDToken bool) (idpClaims, error) {
	all := map[string]any{}
	if strings.HasPrefix(token, "{") {
		if json.Unmarshal([]byte(token), &all) != nil {
			return idpClaims{}, refuse("INVALID_IDP_RESPONSE : Unable to parse id_token: it is no strict JSON.")
		}
	} else if _, _, err := jwt.NewParser().ParseUnverified(token, (*jwt.MapClaims)(&all)); err != nil {
		if !isIDToken {
			return idpClaims{}, unserved("A sign-in with an access_token of a real provider")
		}
		return idpClaims{}, refuse("INVALID_IDP_RESPONSE : Unable to parse id_token: it is neither JSON nor a JWT.")
	}
	subject, _ := all["sub"].(string)
	if subject == "" {
		return idpClaims{}, refuse("INVALID_IDP_RESPONSE : Invalid Idp Response: id_token missing required fields: sub must be a text.")
	}
	text := func(name string) string {
		value, _ := all[name].(string)
		return value
	}
	return idpClaims{
		Subject: subject, Email: canonicalEmail(text("email")), EmailVerified: all["email_verified"] == true || text("email_verified") == "true",
		Name: text("name"), ScreenName: text("screen_name"), Picture: text("picture"),
		GivenName: text("given_name"), FamilyName: text("family_name"), All: all,
	}, nil
}

func (c idpCredential) linked() provider {
	return provider{
		ProviderID: c.ProviderID, RawID: c.Claims.Subject, FederatedID: c.Claims.Subject, Email: c.Claims.Email,
		DisplayName: c.Claims.Name, PhotoURL: c.Claims.Picture, ScreenName: c.Claims.ScreenName,
	}
}

const googleProvider = "google.com"

func (c idpCredential) federatedID() string {
	if c.ProviderID == googleProvider {
		return "https://accounts.google.com/" + c.Claims.Subject
	}
	return c.Claims.Subject
}

func (c idpCredential) rawUserInfo() (string, error) {
	profile := c.Claims.All
	if c.ProviderID == googleProvider {
		scopes := "openid https://www.googleapis.com/auth/userinfo.profile"
		profile = map[string]any{"id": c.Claims.Subject, "verified_email": c.Claims.EmailVerified, "locale": "en"}
		if c.Claims.Email != "" {
			scopes += " https://www.googleapis.com/auth/userinfo.email"
		}
		profile["granted_scopes"] = scopes
		setText(profile, "email", c.Claims.Email)
		setText(profile, "name", c.Claims.Name)
		setText(profile, "given_name", c.Claims.GivenName)
		setText(profile, "family_name", c.Claims.FamilyName)
		setText(profile, "picture", c.Claims.Picture)
	}
	raw, err := json.Marshal(profile)
	return string(raw), err
}
