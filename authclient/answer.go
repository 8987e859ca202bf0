package authclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// No error quotes the answer.
var (
	errNotJSON  = errors.New("the answer is not the contract's JSON")
	errBroken   = errors.New("the answer breaks the contract")
	errInactive = errors.New("the answer vouches for somebody who is not active")
)

// verified is the contract's VerifyTokenResponse. Pointers tell null from zero.
type verified struct {
	Success bool `json:"success"`
	Data    struct {
		User struct {
			ID           string  `json:"id"`
			FirebaseUID  string  `json:"firebase_uid"`
			Email        string  `json:"email"`
			Username     string  `json:"username"`
			UserType     *string `json:"user_type"`
			IsActive     *bool   `json:"is_active"`
			TokenBalance *int64  `json:"token_balance"`
		} `json:"user"`
		Token struct {
			Kind      string    `json:"kind"`
			IssuedAt  time.Time `json:"issued_at"`
			ExpiresAt time.Time `json:"expires_at"`
		} `json:"token"`
	} `json:"data"`
}

// envelope is the contract's Failure.
type envelope struct {
	Success *bool  `json:"success"`
	Message string `json:"message"`
	Code    string `json:"code"`
}

func read(response *http.Response, body []byte) (User, error) {
	switch response.StatusCode {
	case http.StatusOK:
		user, err := readUser(response, body)
		if err != nil {
			return User{}, unavailable(err, nil)
		}
		return user, nil
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity:
		return User{}, readRefusal(response, body)
	default:
		return User{}, unavailable(fmt.Errorf("the service answered %d", response.StatusCode), response.Header)
	}
}

func readUser(response *http.Response, body []byte) (User, error) {
	var answer verified
	if !isJSON(response) || json.Unmarshal(body, &answer) != nil { // the error would quote the answer
		return User{}, errNotJSON
	}
	user, token := answer.Data.User, answer.Data.Token
	switch {
	case !answer.Success, !isUUID(user.ID), user.UserType == nil, user.IsActive == nil, user.TokenBalance == nil,
		token.Kind == "", token.IssuedAt.IsZero(), token.ExpiresAt.IsZero():
		return User{}, errBroken
	case !*user.IsActive:
		return User{}, errInactive
	}
	return User{
		ID: user.ID, FirebaseUID: user.FirebaseUID, Email: user.Email, Username: user.Username,
		UserType: *user.UserType, IsActive: true, TokenBalance: *user.TokenBalance,
		Token: Token{Kind: token.Kind, IssuedAt: token.IssuedAt, ExpiresAt: token.ExpiresAt},
	}, nil
}

// readRefusal treats a 401 without the envelope as an outage: a proxy sent it.
func readRefusal(response *http.Response, body []byte) error {
	var answer envelope
	switch {
	case !isJSON(response), json.Unmarshal(body, &answer) != nil:
		return unavailable(errNotJSON, response.Header)
	case answer.Success == nil, *answer.Success, !isCode(answer.Code), answer.Message == "":
		return unavailable(errBroken, response.Header)
	}
	out := &refusal{status: response.StatusCode, code: answer.Code, message: answer.Message}
	if challenge := response.Header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Bearer") {
		out.challenge = challenge
	}
	return out
}

func isJSON(response *http.Response) bool {
	mediaType, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/json")
}

func isCode(code string) bool {
	for i := range len(code) {
		if c := code[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return code != "" && len(code) <= 64
}

func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}
