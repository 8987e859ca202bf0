package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type state struct {
	id         uuid.UUID
	began      time.Time
	seed       []byte
	generation int32
	rotated    time.Time
	expires    time.Time
}

func (s *Service) issue(u user.User, st state) Issued {
	now := s.clocks.Now()
	access, life := s.tokens.Access(token.AccessClaims{
		UserID: u.ID, Email: u.Email, UserType: u.Type, SessionID: st.id, AuthTime: st.began, IssuedAt: now,
	})
	refresh := s.tokens.Refresh(token.RefreshClaims{
		UserID: u.ID, SessionID: st.id, ID: tokenID(st.seed, st.generation), IssuedAt: st.rotated, ExpiresAt: st.expires,
	})
	return Issued{
		Pair: Pair{AccessToken: access, RefreshToken: refresh, ExpiresIn: life},
		Claims: token.Claims{
			Kind: token.KindLegacy, UserID: u.ID, SessionID: st.id, AuthTime: st.began, IssuedAt: now, ExpiresAt: now.Add(life),
		},
		User: u,
	}
}

// tokenID is a jti (RFC 7519). Guessing it takes the session's seed.
func tokenID(seed []byte, generation int32) string {
	mac := hmac.New(sha256.New, seed)
	number := strconv.Itoa(int(generation))
	mac.Write([]byte(number))
	return number + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// A token of the old auth-service is generation 0.
func generationOf(claims token.RefreshClaims, seed []byte) (int32, bool) {
	if claims.Foreign {
		return 0, true
	}
	digits, _, _ := strings.Cut(claims.ID, ".")
	generation, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || generation < 0 {
		return 0, false
	}
	genuine := hmac.Equal([]byte(claims.ID), []byte(tokenID(seed, int32(generation))))
	return int32(generation), genuine
}

func truncate(text string, n int) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
