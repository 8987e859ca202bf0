package firebase

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Refresh retries once, because Firebase does not rotate refresh tokens. Errors: ErrInvalidRefreshToken, ErrSessionEnded (revoked),
// ErrUserDisabled, ErrSignInBlocked.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (Session, error) {
	var session Session
	err := c.call(ctx, opRefresh, twice, func(ctx context.Context) (err error) {
		session, err = c.exchangeRefreshToken(ctx, refreshToken)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

// exchangeRefreshToken is Google's variant of RFC 6749 section 6.
func (c *Client) exchangeRefreshToken(ctx context.Context, refreshToken string) (Session, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, secureTokenURL, strings.NewReader(form))
	if err != nil {
		return Session{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	replayable(request.Header)
	response, err := c.public.Do(request)
	if err != nil {
		return Session{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body) // bounded by the wire
	if err != nil {
		return Session{}, err
	}
	var answer struct {
		IDToken      string `json:"id_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in,string"`
		UserID       string `json:"user_id"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Session{}, err
	}
	session := Session{
		IDToken: answer.IDToken, RefreshToken: answer.RefreshToken,
		ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second, UID: answer.UserID,
	}
	err = c.check(session)
	if errors.Is(err, errOtherTenant) {
		return Session{}, ErrInvalidRefreshToken.With(err) // another tenant's
	}
	return session, err
}
