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

const (
	opCreateUser        = "create_user"
	opSignIn            = "sign_in"
	opRefresh           = "refresh"
	opUser              = "user"
	opUsers             = "users"
	opUserByEmail       = "user_by_email"
	opDeleteUser        = "delete_user"
	opImport            = "import"
	opSetPassword       = "set_password"
	opSetDisabled       = "set_disabled"
	opSetEmail          = "set_email"
	opSetState          = "set_state"
	opListUsers         = "list_users"
	opExport            = "export_users"
	opHashConfig        = "hash_config"
	opBatchDelete       = "batch_delete"
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

// NewUser is an account to create. UID, Email and Password are required.
type NewUser struct {
	UID         string
	Email       string
	Password    string
	DisplayName string
}

type accounts interface {
	CreateUser(ctx context.Context, user *auth.UserToCreate) (*auth.UserRecord, error)
	DeleteUser(ctx context.Context, uid string) error
}

const emulatorVariable = "FIREBASE_AUTH_EMULATOR_HOST"

// newAccounts unsets FIREBASE_AUTH_EMULATOR_HOST, because the SDK would drop our HTTP client for it. Options alone choose the provider.
func newAccounts(ctx context.Context, o Options, client *http.Client) (accounts, error) {
	if os.Getenv(emulatorVariable) != "" {
		if err := os.Unsetenv(emulatorVariable); err != nil {
			return nil, fmt.Errorf("firebase: %w", err)
		}
	}
	// Without a source the SDK searches the machine.
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

// CreateUser creates an account by the Admin API: its sign-ups do not count against our IP address (A8). It is sent once: a repetition could
// not tell its own account from another's. Errors: ErrEmailExists, ErrUIDExists, ErrWeakPassword, ErrInvalidUser.
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
		// The exchange refuses the SDK's look-up after a success.
		return exchangeOf(ctx).changed(u.UID, err)
	})
}

// The SDK's own check would quote the address.
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

func possibleUID(uid string) bool { return uid != "" && len(uid) <= 128 }

func possibleEmail(address string) bool {
	local, domain, found := strings.Cut(address, "@")
	return found && local != "" && domain != "" && !strings.Contains(domain, "@")
}

func tooShort(password string) bool { return len(password) < 6 }

// DeleteUser deletes an account. Errors: ErrUserNotFound, ErrInvalidUser.
func (c *Client) DeleteUser(ctx context.Context, uid string) error {
	if !possibleUID(uid) {
		return fmt.Errorf("firebase %s: %w", opDeleteUser, ErrInvalidUser)
	}
	return c.call(ctx, opDeleteUser, once, func(ctx context.Context) error { return c.accounts.DeleteUser(ctx, uid) })
}
