package config

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// minSecretBytes is the output of HMAC-SHA256: a shorter key is weaker than the signature (RFC 7518 section 3.2).
const minSecretBytes = 32

// defaults are secrets that stand in the platform's documents.
var defaults = []string{"your_jwt_access_secret", "your_jwt_refresh_secret", "changeme", "secret"}

var columnName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func (c Config) validate() error {
	return errors.Join(
		c.validateEnums(), c.validateRequired(), c.validateNetwork(), c.validateSecrets(), c.validateLinking(),
		c.validateProduction(),
	)
}

// validateEnums holds the enum tags.
func (c Config) validateEnums() error {
	var faults []error
	values, types := reflect.ValueOf(c), reflect.TypeOf(c)
	for i := range types.NumField() {
		allowed, ok := types.Field(i).Tag.Lookup("enum")
		if value := values.Field(i).String(); ok && !slices.Contains(strings.Split(allowed, ","), value) {
			faults = append(faults, fmt.Errorf("%s is %q: must be one of %s", types.Field(i).Tag.Get("env"), value, allowed))
		}
	}
	return errors.Join(faults...)
}

func (c Config) validateRequired() error {
	var faults []error
	for name, value := range map[string]string{
		"DATABASE_URL (or DB_PASSWORD)": c.DatabaseURL,
		"FIREBASE_PROJECT_ID":           c.FirebaseProjectID,
		"JWT_ACCESS_SECRET":             c.JWTAccessSecret,
		"JWT_REFRESH_SECRET":            c.JWTRefreshSecret,
	} {
		if value == "" {
			faults = append(faults, fmt.Errorf("%s is not set", name))
		}
	}
	if c.FirebaseAPIKey == "" && c.FirebaseEmulatorHost == "" {
		faults = append(faults, errors.New("FIREBASE_API_KEY is not set"))
	}
	return errors.Join(faults...)
}

func (c Config) validateNetwork() error {
	var faults []error
	for name, port := range map[string]int{"PORT": c.Port, "METRICS_PORT": c.MetricsPort} {
		if port < 0 || port > 65535 {
			faults = append(faults, fmt.Errorf("%s is %d: must be 0 to 65535", name, port))
		}
	}
	for _, origin := range c.CORSOrigins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			faults = append(faults, fmt.Errorf("CORS_ORIGINS holds %q: must be like https://app.example.com", origin))
		}
	}
	if _, err := time.LoadLocation(c.LegacyTimezone); err != nil {
		faults = append(faults, fmt.Errorf("DB_LEGACY_TIMEZONE is %q: must be an IANA name such as Asia/Jakarta", c.LegacyTimezone))
	}
	if c.LoginFailureMS < 1 || c.LoginFailureMS > 10_000 {
		faults = append(faults, fmt.Errorf("LOGIN_FAILURE_MS is %d: must be 1 to 10000", c.LoginFailureMS))
	}
	return errors.Join(faults...)
}

func (c Config) validateSecrets() error {
	if c.JWTAccessSecret != "" && subtle.ConstantTimeCompare([]byte(c.JWTAccessSecret), []byte(c.JWTRefreshSecret)) == 1 {
		return errors.New("JWT_ACCESS_SECRET and JWT_REFRESH_SECRET are equal: a refresh token would pass for an access token")
	}
	return nil
}

func (c Config) validateLinking() error {
	column, named := strings.CutPrefix(c.LegacyEmailVerified, "column:")
	switch {
	case named && columnName.MatchString(column):
	case c.LegacyEmailVerified == "unverified", c.LegacyEmailVerified == "trust":
	default:
		return fmt.Errorf("LEGACY_EMAIL_VERIFIED is %q: must be unverified, trust or column:<name>", c.LegacyEmailVerified)
	}
	return nil
}

func (c Config) validateProduction() error {
	if c.Env != Production {
		return nil
	}
	var faults []error
	if c.FirebaseEmulatorHost != "" {
		faults = append(faults, errors.New("FIREBASE_AUTH_EMULATOR_HOST is set: an emulator is for AUTH_ENV=development only"))
	}
	if c.FirebaseCertsURL != "" && !strings.HasPrefix(c.FirebaseCertsURL, "https://") {
		faults = append(faults, errors.New("FIREBASE_CERTS_URL must begin with https:// in production"))
	}
	if c.RateLimit == "off" {
		faults = append(faults, errors.New("RATE_LIMIT=off is for AUTH_ENV=development only"))
	}
	for name, secret := range map[string]string{"JWT_ACCESS_SECRET": c.JWTAccessSecret, "JWT_REFRESH_SECRET": c.JWTRefreshSecret} {
		if secret != "" && len(secret) < minSecretBytes {
			faults = append(faults, fmt.Errorf("%s has %d bytes: must have %d or more", name, len(secret), minSecretBytes))
		}
		if slices.Contains(defaults, strings.ToLower(secret)) {
			faults = append(faults, fmt.Errorf("%s is a default out of a document: make your own", name))
		}
	}
	return errors.Join(faults...)
}
