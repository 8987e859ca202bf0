package token

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxAccessLife is T8's bound: a leaked secret makes no token that outlives a day.
	MaxAccessLife = 24 * time.Hour
	// MaxRefreshLife bounds refresh tokens.
	MaxRefreshLife = 90 * 24 * time.Hour
)

// legacyMethod is RFC 7518 section 3.2's.
var legacyMethod = jwt.SigningMethodHS256

// LegacyOptions configures a [Legacy]. The first secret of a kind signs, all verify.
type LegacyOptions struct {
	AccessSecrets, RefreshSecrets []string
	// AccessLife is 1 s to 24 hours.
	AccessLife time.Duration
	// RefreshLife is 1 s to 90 days.
	RefreshLife time.Duration
	Clock       func() time.Time
}

// Legacy signs and checks HS256 tokens (T8). Safe for concurrent use.
type Legacy struct {
	access, refresh         secrets
	accessLife, refreshLife time.Duration
	clock                   func() time.Time
}

// NewLegacy (T8) refuses missing or shared secrets and lives beyond the bounds; internal/config checks the strength. A shared secret would
// make a refresh token an access token.
func NewLegacy(options LegacyOptions) (*Legacy, error) {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	err := errors.Join(
		checkSecrets("access", options.AccessSecrets), checkSecrets("refresh", options.RefreshSecrets),
		checkLife("access", options.AccessLife, MaxAccessLife), checkLife("refresh", options.RefreshLife, MaxRefreshLife),
	)
	if slices.ContainsFunc(options.AccessSecrets, func(s string) bool { return slices.Contains(options.RefreshSecrets, s) }) {
		err = errors.Join(err, errors.New("token: a secret is of access and of refresh tokens"))
	}
	if err != nil {
		return nil, err
	}
	return &Legacy{
		access: toSecrets(options.AccessSecrets), refresh: toSecrets(options.RefreshSecrets),
		accessLife: options.AccessLife, refreshLife: options.RefreshLife, clock: options.Clock,
	}, nil
}

func checkSecrets(kind string, all []string) error {
	if len(all) == 0 || slices.Contains(all, "") {
		return fmt.Errorf("token: a secret of %s tokens is missing or empty", kind)
	}
	return nil
}

func checkLife(kind string, life, most time.Duration) error {
	if life < time.Second || life > most {
		return fmt.Errorf("token: the life of %s tokens is %s: must be 1s to %s", kind, life, most)
	}
	return nil
}

// RefreshLife returns new refresh tokens' life.
func (l *Legacy) RefreshLife() time.Duration { return l.refreshLife }

// A kid never selects among secrets.
type secrets [][]byte

func toSecrets(all []string) secrets {
	keys := make(secrets, len(all))
	for i, secret := range all {
		keys[i] = []byte(secret)
	}
	return keys
}

// verify compares in constant time (hmac.Equal).
func (s secrets) verify(token *compactToken) error {
	for _, secret := range s {
		if legacyMethod.Verify(token.signed, token.signature, secret) == nil {
			return nil
		}
	}
	return malformed("signature does not verify")
}
