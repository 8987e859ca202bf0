package firebase

import "context"

// MaxList is Google's page size.
const MaxList = 1000

// List returns a page and the next page's token; "" is the first page and the end. Pages are no snapshot.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/batchGet
func (c *Client) List(ctx context.Context, page string) (users []User, next string, err error) {
	err = c.callWithin(ctx, listPatience*c.timeout, opListUsers, twice, func(ctx context.Context) error {
		answer, err := c.admin.batchGet(ctx, page, MaxList, listFields)
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

const listPatience = 4
