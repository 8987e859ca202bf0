package firebase

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// MaxImport is Google's limit.
const MaxImport = 1000

// ImportUser is an account to import. UID is required.
type ImportUser struct {
	UID           string
	Email         string
	EmailVerified bool
	DisplayName   string
	// PasswordHash is bcrypt's; empty means no password.
	PasswordHash           string
	Disabled               bool
	CreatedAt, LastLoginAt time.Time
}

// ImportFailure is a refused row: ErrEmailExists, ErrUIDExists, ErrInvalidUser or ErrNotImported.
type ImportFailure struct {
	Index int
	Err   error
}

// Import creates at most MaxImport accounts with bcrypt hashes (M1). It never changes existing accounts: a taken uid or address fails its
// row only. ErrInvalidHash, ErrInvalidUser, and ErrEmailExists or ErrUIDExists for duplicate rows mean that nothing was imported. After
// ErrUnreachable look the accounts up: it is sent once (M2).
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/batchCreate
func (c *Client) Import(ctx context.Context, users []ImportUser) ([]ImportFailure, error) {
	if len(users) == 0 {
		return nil, nil
	}
	if len(users) > MaxImport {
		return nil, fmt.Errorf("firebase %s: %d accounts at once, of %d at most", opImport, len(users), MaxImport)
	}
	var failures []ImportFailure
	err := c.callWithin(ctx, batchLimit(c.timeout, len(users)), opImport, once, func(ctx context.Context) error {
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

func batchLimit(timeout time.Duration, users int) time.Duration {
	return timeout * time.Duration(1+users/100)
}

// toImport sends both flags: Google documents two defaults, and an overwrite would undo moved users' changes (M1).
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
