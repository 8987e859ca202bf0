package firebase

import (
	"context"
	"errors"
	"fmt"
)

// MaxDelete is Google's limit.
const MaxDelete = 1000

// DeleteFailure is an account that remains: ErrNotDisabled or ErrNotDeleted.
type DeleteFailure struct {
	UID string
	Err error
}

// BatchDelete deletes at most MaxDelete accounts. Without force it deletes disabled accounts only. It ignores unknown uids. It is sent once:
// after ErrUnreachable look the accounts up.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/batchDelete
func (c *Client) BatchDelete(ctx context.Context, uids []string, force bool) ([]DeleteFailure, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	if len(uids) > MaxDelete {
		return nil, fmt.Errorf("firebase %s: %d accounts at once, of %d at most", opBatchDelete, len(uids), MaxDelete)
	}
	var failures []DeleteFailure
	err := c.callWithin(ctx, batchLimit(c.timeout, len(uids)), opBatchDelete, once, func(ctx context.Context) error {
		answer, err := c.admin.batchDelete(ctx, &deleteRequest{LocalIds: uids, Force: force, ForceSendFields: []string{"Force"}})
		if err != nil {
			return err
		}
		for _, refused := range answer.Errors {
			if refused.Index < 0 || refused.Index >= int64(len(uids)) {
				return errors.New("the answer names an account that was not sent")
			}
			failures = append(failures, DeleteFailure{UID: uids[refused.Index], Err: deleteRefusal(refused.Message)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return failures, nil
}

func deleteRefusal(message string) error {
	code := vendorCode(message)
	if code == "NOT_DISABLED" {
		return ErrNotDisabled
	}
	return ErrNotDeleted.With(unknownCode(code))
}
