package firebase

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SetPassword gives an account a new password, as an administrator; every session that it had ends. Sent once: after
// ErrUnreachable it may be set or not. Errors: ErrUserNotFound, ErrWeakPassword, ErrTooManyAttempts, ErrUnreachable.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/update
func (c *Client) SetPassword(ctx context.Context, uid, password string) error {
	if tooShort(password) {
		return fmt.Errorf("firebase %s: %w", opSetPassword, ErrWeakPassword)
	}
	return c.update(ctx, opSetPassword, &updateRequest{LocalId: uid, Password: password})
}

// SetDisabled disables an account, or enables it again. Firebase gives a disabled one no new token; tokens that are out live
// until they end. Errors: ErrUserNotFound, ErrTooManyAttempts, ErrUnreachable. Google's page is SetPassword's.
func (c *Client) SetDisabled(ctx context.Context, uid string, disabled bool) error {
	return c.update(ctx, opSetDisabled, &updateRequest{
		LocalId: uid, DisableUser: disabled, ForceSendFields: []string{"DisableUser"},
	})
}

// SetEmail gives an account another address, which nobody has proved, as an administrator. Firebase ends its sessions with it. Sent
// once: after ErrUnreachable it may be set or not. Errors: ErrUserNotFound, ErrEmailExists, ErrInvalidUser, ErrTooManyAttempts,
// ErrUnreachable. Google's page is SetPassword's.
func (c *Client) SetEmail(ctx context.Context, uid, email string) error {
	if !possibleEmail(email) {
		return fmt.Errorf("firebase %s: %w", opSetEmail, ErrInvalidUser)
	}
	return c.update(ctx, opSetEmail, &updateRequest{LocalId: uid, Email: email, ForceSendFields: []string{"EmailVerified"}})
}

// State is what an account is to become; what is nil or zero stays as it is.
type State struct {
	Disabled *bool
	// ValidSince ends the sessions that began before it, and no other; whole seconds.
	ValidSince time.Time
}

// SetState brings an account to a state, in one call (S3). Firebase takes a ValidSince that is lower than its own, and would bring
// ended sessions back with it: the caller looks first. Errors: ErrUserNotFound, ErrTooManyAttempts, ErrUnreachable. Google's page
// is SetPassword's.
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

// Displace frees the address of an account that nobody has proved to own (M6): one call disables the account and gives it
// newEmail, so that there is no moment at which it has lost one and not the other. It looks first, and leaves an account alone
// whose address is verified or that anything but a password opens: ErrNotDisplaceable. Between look and call Firebase offers
// no lock; who verifies the address in that instant is displaced all the same.
//
// Errors besides: ErrUserNotFound, ErrEmailExists (newEmail is taken), ErrInvalidUser, ErrTooManyAttempts, ErrUnreachable.
// Google's page is SetPassword's.
func (c *Client) Displace(ctx context.Context, uid, newEmail string) error {
	return c.displace(ctx, uid, newEmail, func(u User) bool {
		return !u.EmailVerified && slices.Equal(u.Providers, []string{passwordProvider})
	})
}

// DisplaceUnverified is Displace for any account whose address is not verified, whatever else opens it. The caller holds a proof that is
// worth more than an unverified claim: the local password of the row that has the address. The account keeps its providers and its uid,
// and an operator can enable it again.
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

// update is one request, sent once.
func (c *Client) update(ctx context.Context, operation string, request *updateRequest) error {
	if !possibleUID(request.LocalId) {
		return fmt.Errorf("firebase %s: %w", operation, ErrUserNotFound)
	}
	return c.call(ctx, operation, once, func(ctx context.Context) error {
		return exchangeOf(ctx).changed(request.LocalId, c.admin.update(ctx, request))
	})
}
