package firebase

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SetPassword sets a password and ends all sessions. Errors: ErrUserNotFound, ErrWeakPassword.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/update
func (c *Client) SetPassword(ctx context.Context, uid, password string) error {
	if tooShort(password) {
		return fmt.Errorf("firebase %s: %w", opSetPassword, ErrWeakPassword)
	}
	return c.update(ctx, opSetPassword, &updateRequest{LocalId: uid, Password: password})
}

// SetDisabled leaves existing tokens until they expire. Error: ErrUserNotFound.
func (c *Client) SetDisabled(ctx context.Context, uid string, disabled bool) error {
	return c.update(ctx, opSetDisabled, &updateRequest{
		LocalId: uid, DisableUser: disabled, ForceSendFields: []string{"DisableUser"},
	})
}

// SetEmail sets an unverified address and ends all sessions. Errors: ErrUserNotFound, ErrEmailExists, ErrInvalidUser.
func (c *Client) SetEmail(ctx context.Context, uid, email string) error {
	if !possibleEmail(email) {
		return fmt.Errorf("firebase %s: %w", opSetEmail, ErrInvalidUser)
	}
	return c.update(ctx, opSetEmail, &updateRequest{LocalId: uid, Email: email, ForceSendFields: []string{"EmailVerified"}})
}

// State is an account's wanted state; nil and zero change nothing.
type State struct {
	Disabled *bool
	// ValidSince ends older sessions; whole seconds.
	ValidSince time.Time
}

// SetState applies a State in one call (S3). A lower ValidSince than Firebase's revives ended sessions, so the caller compares first. Error:
// ErrUserNotFound.
func (c *Client) SetState(ctx context.Context, uid string, to State) error {
	request := &updateRequest{LocalId: uid}
	if to.Disabled != nil {
		request.DisableUser, request.ForceSendFields = *to.Disabled, []string{"DisableUser"}
	}
	if !to.ValidSince.IsZero() {
		request.ValidSince = to.ValidSince.Unix()
	}
	return c.update(ctx, opSetState, request)
}

// Displace frees an unproved account's address (M6): one call disables it and sets newEmail. It refuses a verified address and other
// providers than a password (ErrNotDisplaceable). It misses a verification between look-up and call. Other errors: ErrUserNotFound,
// ErrEmailExists, ErrInvalidUser.
func (c *Client) Displace(ctx context.Context, uid, newEmail string) error {
	return c.displace(ctx, uid, newEmail, func(u User) bool {
		return !u.EmailVerified && slices.Equal(u.Providers, []string{passwordProvider})
	})
}

// DisplaceUnverified ignores providers. The caller holds a better proof: the local password of the address's row. An operator can enable
// the account again.
func (c *Client) DisplaceUnverified(ctx context.Context, uid, newEmail string) error {
	return c.displace(ctx, uid, newEmail, func(u User) bool { return !u.EmailVerified })
}

func (c *Client) displace(ctx context.Context, uid, newEmail string, displaceable func(User) bool) error {
	user, err := c.User(ctx, uid)
	switch {
	case err != nil:
		return err
	case !displaceable(user):
		return fmt.Errorf("firebase %s: %w", opDisplace, ErrNotDisplaceable)
	case !possibleEmail(newEmail):
		return fmt.Errorf("firebase %s: %w", opDisplace, ErrInvalidUser)
	}
	return c.update(ctx, opDisplace, &updateRequest{LocalId: uid, Email: newEmail, DisableUser: true})
}

func (c *Client) update(ctx context.Context, operation string, request *updateRequest) error {
	if !possibleUID(request.LocalId) {
		return fmt.Errorf("firebase %s: %w", operation, ErrUserNotFound)
	}
	return c.call(ctx, operation, once, func(ctx context.Context) error {
		return exchangeOf(ctx).changed(request.LocalId, c.admin.update(ctx, request))
	})
}
