package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/firebase"
)

var needed = []string{
	"firebaseauth.users.create", "firebaseauth.users.createSession", "firebaseauth.users.delete", "firebaseauth.users.get",
	"firebaseauth.users.sendEmail", "firebaseauth.users.update", "firebaseauth.configs.get", "firebaseauth.configs.getHashConfig",
}

const (
	settingsPage = "Firebase console, Authentication, Settings"
	grantAdmin   = "grant the service account the role Firebase Authentication Admin (roles/firebaseauth.admin) in the project"
)

func project(ctx context.Context, c config.Config) []Finding {
	client, err := firebase.New(ctx, firebase.Options{
		ProjectID: c.FirebaseProjectID, APIKey: c.FirebaseAPIKey, EmulatorHost: c.FirebaseEmulatorHost,
		CredentialsFile: c.GoogleCredentialsFile, Tenant: c.FirebaseTenant,
	})
	if err != nil {
		return in("service account", red("credentials",
			"let GOOGLE_APPLICATION_CREDENTIALS name a readable key file of the service account, or run where Google's metadata server gives one",
			"they cannot be read: %v", err))
	}
	settings, err := client.Settings(ctx)
	findings := in("service account", credentials(err), permissions(ctx, client), signing(ctx, client))
	findings = append(findings, keyAndClock(ctx, client, settings, c)...)
	if err != nil {
		return append(findings, in("project", unchecked("settings", "they could not be read (see service account)"))...)
	}
	findings = append(findings, in("project", judgeSettings(settings)...)...)
	return append(findings, in("project", domains(settings, c.InDevelopment()), appCheck(ctx, client))...)
}

func credentials(err error) Finding {
	if err != nil {
		return red("credentials", grantAdmin+"; is the key's service account enabled, and FIREBASE_PROJECT_ID its project?",
			"the project's settings could not be read with them: %v", err)
	}
	return green("credentials", "they are accepted, and the project answers")
}

func permissions(ctx context.Context, client *firebase.Client) Finding {
	const check = "permissions"
	granted, err := client.Permissions(ctx, needed)
	switch {
	case errors.Is(err, firebase.ErrNotThere):
		return unchecked(check, "%v: there, whoever asks may do everything", err)
	case err != nil:
		return unchecked(check, "Google does not say (enable the Cloud Resource Manager API in the project to have it): %v", err)
	}
	return judgePermissions(check, granted)
}

func judgePermissions(check string, granted []string) Finding {
	missing := slices.DeleteFunc(slices.Clone(needed), func(p string) bool { return slices.Contains(granted, p) })
	if len(missing) > 0 {
		return red(check, grantAdmin, "the service account lacks %s", strings.Join(missing, ", "))
	}
	return green(check, "the service account has all %d that are needed", len(needed))
}

func signing(ctx context.Context, client *firebase.Client) Finding {
	const check = "custom tokens"
	err := client.CanSign(ctx)
	switch {
	case errors.Is(err, firebase.ErrNotThere):
		return unchecked(check, "%v: unsigned ones are good there", err)
	case err != nil:
		return red(check, "give a key file, or grant the service account Service Account Token Creator on itself (iam.serviceAccounts.signBlob)",
			"none can be signed: old clients' mails and sessions of moved users need one: %v", err)
	}
	return green(check, "can be signed")
}

// keyAndClock needs no service account.
func keyAndClock(ctx context.Context, client *firebase.Client, settings firebase.Settings, c config.Config) []Finding {
	before := time.Now()
	owner, err := client.OwnerOfKey(ctx)
	if err != nil {
		return slices.Concat(
			in("API key", red("key", "set FIREBASE_API_KEY to the project's web key ("+settingsPage+" of the project), and let its restrictions "+
				"allow the Identity Toolkit API from this address", "it is not accepted: %v", err)),
			in("clocks", unchecked("Google", "it did not answer (see API key)")))
	}
	return slices.Concat(
		in("API key", whoseKey(owner, settings, c)),
		in("clocks", clock("Google", before, time.Now(), owner.Date, time.Second)))
}

func whoseKey(owner firebase.KeyOwner, settings firebase.Settings, c config.Config) Finding {
	const check, advice = "key", "take FIREBASE_API_KEY from the project in FIREBASE_PROJECT_ID"
	numbers := numeric(owner.Number) && numeric(settings.Name)
	switch {
	case c.FirebaseAPIKey != "" && settings.WebKey == c.FirebaseAPIKey, numbers && owner.Number == settings.Name,
		slices.Contains(owner.AuthorizedDomains, c.FirebaseProjectID+".firebaseapp.com"):
		return green(check, "it is accepted, and the project's own")
	case c.FirebaseEmulatorHost != "":
		return unchecked(check, "a development provider may take any")
	case numbers:
		return red(check, advice, "it belongs to another project, number %s", owner.Number)
	}
	return Finding{Check: check, Level: Yellow, Found: "it is accepted, and whose it is could not be told", Advice: advice}
}

func numeric(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func judgeSettings(s firebase.Settings) []Finding {
	return []Finding{
		judged("e-mail enumeration protection", !s.EnumerationProtected, Red, onOff(s.EnumerationProtected),
			settingsPage+", User actions: turn Email enumeration protection on. Without it Google tells strangers who has an account"),
		judged("accounts an e-mail", s.DuplicateEmails, Red, map[bool]string{true: "several are allowed", false: "one"}[s.DuplicateEmails],
			settingsPage+", User account linking: link accounts that use the same email. Two accounts of one address are an identity_conflict here"),
		judged("password sign-in", !s.PasswordSignIn, Red, onOff(s.PasswordSignIn),
			"Firebase console, Authentication, Sign-in method: enable Email/Password. Nobody registers or signs in with a password without it"),
		judged("sign-up permission", s.SignUpDisabled, Yellow, map[bool]string{
			true: "clients may not sign up: a first sign-in by Google or Apple is refused", false: "clients may sign up",
		}[s.SignUpDisabled], settingsPage+", User actions: enable create (sign-up), unless people shall come through /v1/auth/register alone"),
		secondFactors(s), passwordPolicy(s.Policy),
		judged("reCAPTCHA", s.Recaptcha, Red, map[bool]string{true: "password sign-ins are refused without it", false: "not demanded of password sign-ins"}[s.Recaptcha],
			settingsPage+", Fraud prevention: set the enforcement of email password sign-in to audit or off. A server has no reCAPTCHA token to send"),
		judged("blocking functions", len(s.BlockingFunctions) > 0, Yellow, orNone(s.BlockingFunctions),
			"know that every sign-in waits for them (Google gives them 7 s), and that their refusals are sign_in_blocked"),
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// A11: /v1/auth/login/mfa supports only authenticator apps.
func secondFactors(s firebase.Settings) Finding {
	const check, advice = "second factors", "turn TOTP on (Admin API, mfa.providerConfigs): /v1/auth/login/mfa finishes authenticator apps, and text messages only the Firebase SDK does"
	switch {
	case s.TOTP:
		return green(check, "authenticator apps are on")
	case s.SecondFactors == "MANDATORY":
		return red(check, advice, "demanded of everybody, and only text messages are on")
	case s.SecondFactors == "ENABLED":
		return Finding{Check: check, Level: Yellow, Found: "only text messages are on", Advice: advice}
	}
	return green(check, "off: no user is asked for one")
}

// Bounds of A6.
const minPassword, maxPassword = 8, 72

// passwordPolicy compares with A6.
func passwordPolicy(p *firebase.PasswordPolicy) Finding {
	const check = "password policy"
	if p == nil {
		return green(check, "none is enforced: 8 characters to 72 bytes, as here")
	}
	var stricter []string
	if p.MinLength > minPassword {
		stricter = append(stricter, fmt.Sprintf("at least %d characters", p.MinLength))
	}
	if p.MaxLength > 0 && p.MaxLength < maxPassword {
		stricter = append(stricter, fmt.Sprintf("at most %d characters", p.MaxLength))
	}
	if len(p.Demands) > 0 {
		stricter = append(stricter, strings.Join(p.Demands, ", "))
	}
	switch {
	case len(stricter) == 0:
		return green(check, "enforced, and not stricter than here")
	case p.AtSignIn:
		return red(check, settingsPage+", Password policy: do not force upgrade on sign-in. People who are moved keep their old passwords, and could not sign in",
			"stricter than here, also for old passwords: %s", strings.Join(stricter, "; "))
	}
	return Finding{
		Check: check, Level: Yellow, Found: "stricter than here: " + strings.Join(stricter, "; "),
		Advice: "relax it to 8 characters or more, or tell frontends: what a local account may have is weak_password at Firebase",
	}
}

func domains(s firebase.Settings, development bool) Finding {
	const check = "authorised domains"
	local := slices.ContainsFunc(s.AuthorizedDomains, func(d string) bool { return d == "localhost" || d == "127.0.0.1" })
	switch {
	case len(s.AuthorizedDomains) == 0:
		return Finding{Check: check, Level: Yellow, Found: "none", Advice: settingsPage + ", Authorized domains: add those that your frontends and mail links live under"}
	case local && !development:
		return Finding{
			Check: check, Level: Yellow, Found: strings.Join(s.AuthorizedDomains, ", "),
			Advice: settingsPage + ", Authorized domains: take localhost out, where anybody's machine may receive sign-ins",
		}
	}
	return green(check, "%s", strings.Join(s.AuthorizedDomains, ", "))
}

func appCheck(ctx context.Context, client *firebase.Client) Finding {
	const check = "App Check"
	enforced, err := client.AppCheckEnforced(ctx)
	switch {
	case errors.Is(err, firebase.ErrNotThere):
		return unchecked(check, "%v", err)
	case err != nil:
		return unchecked(check, "Google does not say (enable the App Check API and grant roles/firebaseappcheck.viewer to have it): %v", err)
	}
	return judged(check, enforced, Red, map[bool]string{true: "enforced for Authentication", false: "not enforced for Authentication"}[enforced],
		"Firebase console, App Check, APIs: unenforce it for Authentication. A server has no app to attest, and every sign-in through it is refused")
}
