package firebase

import "context"

// MaxList is how many accounts Google shows in one page.
const MaxList = 1000

// List shows the accounts of the project, or of the tenant, a page of at most MaxList at a time: "" asks for the first, and what it
// gives back for the next, "" after the last. The pages are no snapshot: who comes or goes meanwhile is in them or not. Errors:
// ErrTooManyAttempts, ErrUnreachable.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/batchGet
func (c *Client) List(ctx context.Context, page string) (users []User, next string, err error) {
	err = c.callWithin(ctx, listPatience*c.timeout, opListUsers, twice, func(ctx context.Context) error {
		answer, err := c.admin.batchGet(ctx, page, MaxList)
		if err != nil {
			return err
		}
		users, next = make([]User, 0, len(answer.Users)), answer.NextPageToken
		for _, info := range answer.Users {
			users = append(users, toUser(info))
		}
		return nil
	})
	return users, next, err
}

// listPatience: a page has a thousand accounts in it.
const listPatience = 4
