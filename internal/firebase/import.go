package firebase

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// MaxImport is how many accounts Google takes in one import.
const MaxImport = 1000

// ImportUser is an account to be moved to Firebase. UID is required.
type ImportUser struct {
	UID           string
	Email         string
	EmailVerified bool
	DisplayName   string
	// PasswordHash is bcrypt's text, "$2a$10$...". Empty: an account that no password opens.
	PasswordHash string
	Disabled     bool
	// CreatedAt and LastLoginAt are kept where they are set.
	CreatedAt, LastLoginAt time.Time
}

// ImportFailure is an account that Firebase did not take, and why: ErrEmailExists, ErrUIDExists, ErrInvalidUser or
// ErrNotImported.
type ImportFailure struct {
	Index int // in the list that was sent
	Err   error
}

// Import makes accounts, with the bcrypt hashes of their passwords (M1). Accounts that are there already are never touched:
// that one has the uid or the address is a failure of that row, and the rest are imported. At most MaxImport.
//
// An error means the request as a whole: ErrInvalidHash when any hash is none, ErrEmailExists or ErrUIDExists when two of the
// rows have one address or uid, ErrInvalidUser, ErrTooManyAttempts; then nothing was imported. After ErrUnreachable all, some
// or none were: it is sent once and never again (M2), and what has become of it a look-up must tell.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/batchCreate
func (c *Client) Import(ctx context.Context, users []ImportUser) ([]ImportFailure, error) {
	if len(users) == 0 {
		return nil, nil
	}
	if len(users) > MaxImport {
		return nil, fmt.Errorf("firebase %s: %d accounts at once, of %d at most", opImport, len(users), MaxImport)
	}
	var failures []ImportFailure
	limit := c.timeout * time.Duration(1+len(users)/100)
	err := c.callWithin(ctx, limit, opImport, once, func(ctx context.Context) error {
		answer, err := c.admin.batchCreate(ctx, toImport(users))
		if err != nil {
			return err
		}
		failures, err = readFailures(answer, len(users))
		return err
	})
	if err != nil {
		return nil, err
	}
	return failures, nil
}

// toImport is the one place that an import is put together. Both flags are sent although false is the default of one: Google
// documents two different defaults, and an import that overwrites would undo password changes, second factors and linked
// providers of people who have moved already (M1).
func toImport(users []ImportUser) *importRequest {
	request := &importRequest{
		HashAlgorithm: "BCRYPT", AllowOverwrite: false, SanityCheck: true,
		ForceSendFields: []string{"AllowOverwrite", "SanityCheck"},
	}
	for _, u := range users {
		request.Users = append(request.Users, &userInfo{
			LocalId: u.UID, Email: u.Email, EmailVerified: u.EmailVerified, DisplayName: u.DisplayName, Disabled: u.Disabled,
			PasswordHash: base64.URLEncoding.EncodeToString([]byte(u.PasswordHash)),
			CreatedAt:    toMillis(u.CreatedAt), LastLoginAt: toMillis(u.LastLoginAt),
		})
	}
	return request
}

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func readFailures(answer *importResponse, sent int) ([]ImportFailure, error) {
	failures := make([]ImportFailure, 0, len(answer.Error))
	for _, refused := range answer.Error {
		if refused.Index < 0 || refused.Index >= int64(sent) {
			return nil, errors.New("the answer names a row that was not sent")
		}
		failures = append(failures, ImportFailure{Index: int(refused.Index), Err: rowRefusal(refused.Message)})
	}
	return failures, nil
}
