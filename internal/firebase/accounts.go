package firebase

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	admin "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/auth"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
)

// The names of the operations, in metrics and errors.
const (
	opCreateUser        = "create_user"
	opSignIn            = "sign_in"
	opRefresh           = "refresh"
	opUser              = "user"
	opUserByEmail       = "user_by_email"
	opDeleteUser        = "delete_user"
	opImport            = "import"
	opSetPassword       = "set_password"
	opSetDisabled       = "set_disabled"
	opSetEmail          = "set_email"
	opSetState          = "set_state"
	opListUsers         = "list_users"
	opDisplace          = "displace"
	opSignCustomToken   = "sign_custom_token"
	opSignInAs          = "sign_in_as"
	opSendPasswordReset = "send_password_reset"
	opResetAddress      = "reset_address"
	opResetPassword     = "reset_password"
	opSendVerification  = "send_email_verification"
	opConfirmEmail      = "confirm_email"
	opFinishSignIn      = "finish_sign_in"
)

// NewUser is an account to be made. UID, Email and Password are required; the address is not marked verified.
type NewUser struct {
	UID         string
	Email       string
	Password    string
	DisplayName string
}

// accounts is the part of the Admin SDK that we use: of the whole project, or of one tenant.
type accounts interface {
	CreateUser(ctx context.Context, user *auth.UserToCreate) (*auth.UserRecord, error)
	DeleteUser(ctx context.Context, uid string) error
}

const emulatorVariable = "FIREBASE_AUTH_EMULATOR_HOST"

// newAccounts builds the Admin SDK over our own transport.
//
// The SDK looks for FIREBASE_AUTH_EMULATOR_HOST in the process's environment while it is built, and on finding it drops the
// HTTP client that it was given. Our configuration has been read by then and is in Options, so the variable is taken out of
// the environment: two clients of one process may speak to two providers, and none is led astray.
func newAccounts(ctx context.Context, o Options, client *http.Client) (accounts, error) {
	if os.Getenv(emulatorVariable) != "" {
		if err := os.Unsetenv(emulatorVariable); err != nil {
			return nil, fmt.Errorf("firebase: %w", err)
		}
	}
	// The token source is never asked, for the client authorizes by itself; without one the SDK would search the machine.
	unused := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "unused"})
	app, err := admin.NewApp(ctx, &admin.Config{ProjectID: o.ProjectID}, option.WithHTTPClient(client), option.WithTokenSource(unused))
	if err != nil {
		return nil, fmt.Errorf("firebase: admin SDK: %w", err)
	}
	project, err := app.Auth(ctx)
	if err != nil {
		return nil, fmt.Errorf("firebase: admin SDK: %w", err)
	}
	if o.Tenant == "" {
		return project, nil
	}
	tenant, err := project.TenantManager.AuthForTenant(o.Tenant)
	if err != nil {
		return nil, fmt.Errorf("firebase: tenant %s: %w", o.Tenant, err)
	}
	return tenant, nil
}

// CreateUser makes an account by the Admin API, whose sign-ups Google does not count against our address (A8). Errors:
// ErrEmailExists, ErrUIDExists, ErrWeakPassword, ErrInvalidUser, ErrTooManyAttempts, ErrUnreachable. After ErrUnreachable
// the account may exist or not; it is not repeated here, for a repetition could not tell its own account from a stranger's.
func (c *Client) CreateUser(ctx context.Context, u NewUser) error {
	if err := u.check(); err != nil {
		return fmt.Errorf("firebase %s: %w", opCreateUser, err)
	}
	params := (&auth.UserToCreate{}).UID(u.UID).Email(u.Email).Password(u.Password).EmailVerified(false)
	if u.DisplayName != "" {
		params = params.DisplayName(u.DisplayName)
	}
	return c.call(ctx, opCreateUser, once, func(ctx context.Context) error {
		_, err := c.accounts.CreateUser(ctx, params)
		// After a success the SDK's look-up of the new user fails, for the exchange has cut it short.
		return exchangeOf(ctx).changed(u.UID, err)
	})
}

// check refuses what the SDK would refuse before it sends anything, in a plain error with the address in its text.
func (u NewUser) check() error {
	switch {
	case !possibleUID(u.UID):
		return ErrInvalidUser.With(errors.New("the uid has not 1 to 128 characters"))
	case !possibleEmail(u.Email):
		return ErrInvalidUser.With(errors.New("the e-mail address is malformed"))
	case tooShort(u.Password):
		return ErrWeakPassword
	}
	return nil
}

// possibleUID: Firebase's have 1 to 128 characters.
func possibleUID(uid string) bool { return uid != "" && len(uid) <= 128 }

func possibleEmail(address string) bool {
	local, domain, found := strings.Cut(address, "@")
	return found && local != "" && domain != "" && !strings.Contains(domain, "@")
}

// tooShort: Firebase wants six characters, whatever else a project's policy asks for.
func tooShort(password string) bool { return len(password) < 6 }

// DeleteUser deletes one account. Errors: ErrUserNotFound, ErrInvalidUser, ErrTooManyAttempts, ErrUnreachable.
func (c *Client) DeleteUser(ctx context.Context, uid string) error {
	if !possibleUID(uid) {
		return fmt.Errorf("firebase %s: %w", opDeleteUser, ErrInvalidUser)
	}
	return c.call(ctx, opDeleteUser, once, func(ctx context.Context) error { return c.accounts.DeleteUser(ctx, uid) })
}
