package firebase

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/cloudresourcemanager/v1"
	"google.golang.org/api/firebaseappcheck/v1"
	mfa "google.golang.org/api/identitytoolkit/v2"
	"google.golang.org/api/option"
)

const (
	opSettings    = "project_settings"
	opKey         = "project_of_key"
	opPermissions = "permissions"
	opAppCheck    = "app_check"
)

// ErrNotThere reports that a development provider lacks the API.
var ErrNotThere = errors.New("a development provider has no such thing")

// Settings are those on which this service depends.
type Settings struct {
	// Name is the project's name or number.
	Name   string
	WebKey string
	// EnumerationProtected: answers hide which addresses have accounts.
	EnumerationProtected bool
	DuplicateEmails      bool
	PasswordSignIn       bool
	SignUpDisabled       bool // for clients
	DeletionDisabled     bool
	AuthorizedDomains    []string
	// SecondFactors is DISABLED, ENABLED or MANDATORY.
	TOTP          bool
	SecondFactors string
	// Policy is nil unless enforced.
	Policy *PasswordPolicy
	// Recaptcha: sign-ins need a reCAPTCHA token, which no server has.
	Recaptcha bool
	// BlockingFunctions are beforeCreate, beforeSignIn ...
	BlockingFunctions []string
}

// PasswordPolicy is an enforced policy. Zero lengths are Google's defaults, 6 and 4,096.
type PasswordPolicy struct {
	MinLength, MaxLength int64
	Demands              []string
	// AtSignIn: it covers old passwords.
	AtSignIn bool
}

// Settings reads the project's settings. It needs firebaseauth.configs.get.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	var found Settings
	err := c.call(ctx, opSettings, twice, func(ctx context.Context) error {
		service, err := mfa.NewService(ctx, toolkitOptions(c.authorized)...)
		if err != nil {
			return err
		}
		config, err := service.Projects.GetConfig("projects/" + c.project + "/config").Context(ctx).Do()
		if err == nil {
			found = settingsOf(config)
		}
		return err
	})
	return found, err
}

func settingsOf(config *mfa.GoogleCloudIdentitytoolkitAdminV2Config) Settings {
	s := Settings{AuthorizedDomains: config.AuthorizedDomains, Policy: policyOf(config.PasswordPolicyConfig)}
	s.Name, _, _ = strings.Cut(strings.TrimPrefix(config.Name, "projects/"), "/")
	if in := config.SignIn; in != nil {
		s.DuplicateEmails = in.AllowDuplicateEmails
		s.PasswordSignIn = in.Email != nil && in.Email.Enabled
	}
	if client := config.Client; client != nil {
		s.WebKey = client.ApiKey
		if client.Permissions != nil {
			s.SignUpDisabled, s.DeletionDisabled = client.Permissions.DisabledUserSignup, client.Permissions.DisabledUserDeletion
		}
	}
	s.EnumerationProtected = config.EmailPrivacyConfig != nil && config.EmailPrivacyConfig.EnableImprovedEmailPrivacy
	s.Recaptcha = config.RecaptchaConfig != nil && config.RecaptchaConfig.EmailPasswordEnforcementState == "ENFORCE"
	if config.Mfa != nil {
		s.SecondFactors = config.Mfa.State
		s.TOTP = slices.ContainsFunc(config.Mfa.ProviderConfigs, func(p *mfa.GoogleCloudIdentitytoolkitAdminV2ProviderConfig) bool {
			return p.TotpProviderConfig != nil && (p.State == "ENABLED" || p.State == "MANDATORY")
		})
	}
	if config.BlockingFunctions != nil {
		for event := range config.BlockingFunctions.Triggers {
			s.BlockingFunctions = append(s.BlockingFunctions, event)
		}
		slices.Sort(s.BlockingFunctions)
	}
	return s
}

func policyOf(config *mfa.GoogleCloudIdentitytoolkitAdminV2PasswordPolicyConfig) *PasswordPolicy {
	if config == nil || config.PasswordPolicyEnforcementState != "ENFORCE" {
		return nil
	}
	p := &PasswordPolicy{AtSignIn: config.ForceUpgradeOnSignin}
	for _, version := range config.PasswordPolicyVersions {
		options := version.CustomStrengthOptions
		if options == nil {
			continue
		}
		p.MinLength, p.MaxLength = options.MinPasswordLength, options.MaxPasswordLength
		for _, demand := range []struct {
			made bool
			of   string
		}{
			{options.ContainsLowercaseCharacter, "a small letter"},
			{options.ContainsUppercaseCharacter, "a capital letter"},
			{options.ContainsNumericCharacter, "a digit"},
			{options.ContainsNonAlphanumericCharacter, "another character"},
		} {
			if demand.made {
				p.Demands = append(p.Demands, demand.of)
			}
		}
	}
	return p
}

// KeyOwner is the API key's project.
type KeyOwner struct {
	Number            string
	AuthorizedDomains []string
	// Date is Google's clock, in seconds.
	Date time.Time
}

// OwnerOfKey needs no service account, so it works where a wrong clock prevents access tokens.
func (c *Client) OwnerOfKey(ctx context.Context) (KeyOwner, error) {
	var found KeyOwner
	err := c.call(ctx, opKey, twice, func(ctx context.Context) error {
		answer, err := c.toolkit.V1.GetProjects().Context(ctx).Do()
		if err != nil {
			return err
		}
		found = KeyOwner{Number: answer.ProjectId, AuthorizedDomains: answer.AuthorizedDomains}
		found.Date, err = http.ParseTime(answer.Header.Get("Date"))
		return err
	})
	return found, err
}

// Permissions returns the granted permissions. It needs the Cloud Resource Manager API. ErrNotThere in development.
func (c *Client) Permissions(ctx context.Context, wanted []string) (granted []string, err error) {
	if c.development {
		return nil, ErrNotThere
	}
	err = c.call(ctx, opPermissions, twice, func(ctx context.Context) error {
		service, err := cloudresourcemanager.NewService(ctx, toolkitOptions(c.authorized, option.WithEndpoint("https://cloudresourcemanager.googleapis.com/"))...)
		if err != nil {
			return err
		}
		request := &cloudresourcemanager.TestIamPermissionsRequest{Permissions: wanted}
		answer, err := service.Projects.TestIamPermissions(c.project, request).Context(ctx).Do()
		if err == nil {
			granted = answer.Permissions
		}
		return err
	})
	return granted, err
}

// AppCheckEnforced reports whether App Check refuses servers. ErrNotThere in development.
func (c *Client) AppCheckEnforced(ctx context.Context) (enforced bool, err error) {
	if c.development {
		return false, ErrNotThere
	}
	err = c.call(ctx, opAppCheck, twice, func(ctx context.Context) error {
		service, err := firebaseappcheck.NewService(ctx, toolkitOptions(c.authorized, option.WithEndpoint("https://firebaseappcheck.googleapis.com/"))...)
		if err != nil {
			return err
		}
		answer, err := service.Projects.Services.Get("projects/" + c.project + "/services/identitytoolkit.googleapis.com").Context(ctx).Do()
		if err == nil {
			enforced = answer.EnforcementMode == "ENFORCED"
		}
		return err
	})
	return enforced, err
}

// CanSign tries to sign a custom token. ErrNotThere in development.
func (c *Client) CanSign(ctx context.Context) error {
	if c.development {
		return ErrNotThere
	}
	_, err := c.customToken(ctx, "nobody", nil)
	return err
}
