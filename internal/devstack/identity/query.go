package identity

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const maxQuery = 500

type queryRequest struct {
	Expression     []accountExpression `json:"expression"`
	Limit          int64Text           `json:"limit"`
	Offset         int64Text           `json:"offset"`
	Order          string              `json:"order"`
	SortBy         string              `json:"sortBy"`
	ReturnUserInfo *bool               `json:"returnUserInfo"`
}

// accountExpression uses its first set field.
type accountExpression struct {
	Email       string `json:"email"`
	PhoneNumber string `json:"phoneNumber"`
	UserID      string `json:"userId"`
}

type queryResponse struct {
	RecordsCount string     `json:"recordsCount"`
	UserInfo     []userView `json:"userInfo,omitempty"`
}

// query uses the first expression: https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/query
func (p *Provider) query(_ *call, in *queryRequest) (any, error) {
	limit, offset := in.Limit.value(), in.Offset.value()
	if limit < 0 || offset < 0 {
		return nil, invalidArgument("The limit and the offset of a query must not be negative.")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	users := p.users.sorted()
	if len(in.Expression) > 0 {
		users = slices.DeleteFunc(users, func(user account) bool { return !in.Expression[0].matches(user) })
	}
	if in.ReturnUserInfo != nil && !*in.ReturnUserInfo {
		return queryResponse{RecordsCount: strconv.Itoa(len(users))}, nil
	}
	sortAccounts(users, in.SortBy, in.Order)
	users = users[min(offset, int64(len(users))):]
	if limit == 0 || limit > maxQuery {
		limit = maxQuery
	}
	users = users[:min(limit, int64(len(users)))]
	response := queryResponse{RecordsCount: strconv.Itoa(len(users))}
	for _, user := range users {
		response.UserInfo = append(response.UserInfo, view(user, p.hashes.access(true)))
	}
	return response, nil
}

func (e accountExpression) matches(user account) bool {
	switch {
	case e.Email != "":
		return user.Email == canonicalEmail(e.Email)
	case e.PhoneNumber != "":
		return user.PhoneNumber == e.PhoneNumber
	case e.UserID != "":
		return user.LocalID == e.UserID
	}
	return true
}

func sortAccounts(users []account, by, order string) {
	slices.SortStableFunc(users, func(a, b account) int {
		switch by {
		case "NAME":
			return strings.Compare(a.DisplayName, b.DisplayName)
		case "USER_EMAIL":
			return strings.Compare(a.Email, b.Email)
		case "CREATED_AT":
			return a.CreatedAt.Compare(b.CreatedAt)
		case "LAST_LOGIN_AT":
			return a.LastLoginAt.Compare(b.LastLoginAt)
		default:
			return cmp.Compare(a.LocalID, b.LocalID)
		}
	})
	if order == "DESC" {
		slices.Reverse(users)
	}
}
