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

// minSecretBytes is HMAC-SHA256's output (RFC 7518 section 3.2).
const minSecretBytes = 32

// Bounds of T8. internal/token also enforces them.
const (
	maxAccessLife  = 24 * time.Hour
	maxRefreshLife = 90 * 24 * time.Hour
)

// defaults are secrets in the platform's documents.
var defaults = []string{"your_jwt_access_secret", "your_jwt_refresh_secret", "your_secure_password", "atma_development_password", "changeme", "secret"}

const developmentOnly = "development-only"

var columnName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func (c Config) validate() error {
	return errors.Join(
		c.validateEnums(), c.validateRequired(), c.validateNetwork(), c.validateProxies(), c.validateURLs(), c.validateSecrets(), c.validateLives(), c.validateLinking(),
		c.validateProduction(),
	)
}

type variable struct{ name, value string }

func isDefault(secret string) bool {
	return slices.Contains(defaults, strings.ToLower(secret)) || strings.HasPrefix(secret, developmentOnly)
}

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
	for _, v := range []variable{
		{"DATABASE_URL (or DB_PASSWORD)", c.DatabaseURL + c.DBPassword},
		{"FIREBASE_PROJECT_ID", c.FirebaseProjectID},
		{"JWT_ACCESS_SECRET", c.JWTAccessSecret},
		{"JWT_REFRESH_SECRET", c.JWTRefreshSecret},
	} {
		if v.value == "" {
			faults = append(faults, fmt.Errorf("%s is not set", v.name))
		}
	}
	if c.FirebaseAPIKey == "" && c.FirebaseEmulatorHost == "" {
		faults = append(faults, errors.New("FIREBASE_API_KEY is not set"))
	}
	return errors.Join(faults...)
}

func (c Config) validateNetwork() error {
	var faults []error
	for _, p := range []struct {
		name        string
		port, least int
	}{{"PORT", c.Port, 0}, {"METRICS_PORT", c.MetricsPort, 0}, {"DB_PORT", c.DBPort, 1}, {"REDIS_PORT", c.RedisPort, 1}} {
		if p.port < p.least || p.port > maxPort {
			faults = append(faults, fmt.Errorf("%s is %d: must be %d to %d", p.name, p.port, p.least, maxPort))
		}
	}
	if c.Port == c.MetricsPort && c.Port != 0 {
		faults = append(faults, fmt.Errorf("PORT and METRICS_PORT are both %d", c.Port))
	}
	if c.DBPoolMax < 2 {
		faults = append(faults, fmt.Errorf("DB_POOL_MAX is %d: must be 2 or more, because one request can need two connections", c.DBPoolMax))
	}
	if c.LegacySessionsMax < 1 || c.LegacySessionsMax > 100 {
		faults = append(faults, fmt.Errorf("LEGACY_SESSIONS_MAX is %d: must be 1 to 100", c.LegacySessionsMax))
	}
	if c.CacheMB < 1 {
		faults = append(faults, fmt.Errorf("CACHE_MB is %d: must be 1 or more", c.CacheMB))
	}
	if c.ShutdownDrain < 0 || c.ShutdownTimeout <= 0 {
		faults = append(faults, errors.New("SHUTDOWN_DRAIN must not be negative, and SHUTDOWN_TIMEOUT must be positive"))
	}
	for _, origin := range c.CORSOrigins {
		if problem := originProblem(origin); problem != "" {
			faults = append(faults, fmt.Errorf("CORS_ORIGINS holds %q: %s", origin, problem))
		}
	}
	if _, err := time.LoadLocation(c.LegacyTimezone); err != nil || strings.EqualFold(c.LegacyTimezone, time.Local.String()) {
		faults = append(faults, fmt.Errorf("DB_LEGACY_TIMEZONE is %q: must be an IANA name such as Asia/Jakarta", c.LegacyTimezone))
	}
	if !(c.TracesSamplerArg >= 0 && c.TracesSamplerArg <= 1) { // also refuses NaN
		faults = append(faults, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %g: must be 0 to 1", c.TracesSamplerArg))
	}
	if c.ReconcileEvery < 0 || c.ReconcileEvery > 0 && c.ReconcileEvery < 10*time.Minute {
		faults = append(faults, fmt.Errorf("RECONCILE_EVERY is %s: must be 0 or 10m and more", c.ReconcileEvery))
	}
	if c.LoginFailureMS < 1 || c.LoginFailureMS > 2_000 {
		faults = append(faults, fmt.Errorf("LOGIN_FAILURE_MS is %d: must be 1 to 2000", c.LoginFailureMS))
	}
	if c.BcryptMaxCost < 10 || c.BcryptMaxCost > 16 {
		faults = append(faults, fmt.Errorf("BCRYPT_MAX_COST is %d: must be 10, the cost of new hashes, to 16, which a request has time for", c.BcryptMaxCost))
	}
	return errors.Join(faults...)
}

func (c Config) tokenSecrets() []variable {
	return []variable{
		{"JWT_ACCESS_SECRET", c.JWTAccessSecret},
		{"JWT_REFRESH_SECRET", c.JWTRefreshSecret},
		{"JWT_ACCESS_SECRET_PREVIOUS", c.JWTAccessSecretPrevious},
		{"JWT_REFRESH_SECRET_PREVIOUS", c.JWTRefreshSecretPrevious},
	}
}

// ownKeys must stay unknown to other services.
func (c Config) ownKeys() []variable {
	return []variable{{"LIMIT_KEY", c.LimitKey}, {"FACTS_KEY", c.FactsKey}}
}

// knownElsewhere are credentials of other programs too.
func (c Config) knownElsewhere() []variable {
	return []variable{
		{"FIREBASE_API_KEY", c.FirebaseAPIKey},
		{"DATABASE_URL's password", passwordIn(c.DatabaseURL)},
		{"DATABASE_DIRECT_URL's password", passwordIn(c.DatabaseDirectURL)},
		{"DATABASE_OWNER_URL's password", passwordIn(c.DatabaseOwnerURL)},
		{"REDIS_URL's password", passwordIn(c.RedisURL)},
	}
}

// Equal secrets would let a refresh token pass for an access token. An own key must not contain another program's secret.
func (c Config) validateSecrets() error {
	var faults []error
	secrets := append(c.tokenSecrets(), c.ownKeys()...)
	for i, one := range secrets {
		for _, other := range append(secrets[i+1:len(secrets):len(secrets)], c.knownElsewhere()...) {
			if equal(one.value, other.value) {
				faults = append(faults, fmt.Errorf("%s and %s are equal: each must be its own", one.name, other.name))
			}
		}
	}
	for _, key := range c.ownKeys() {
		for _, secret := range c.tokenSecrets() {
			if len(secret.value) >= minSecretBytes && len(key.value) > len(secret.value) && strings.Contains(key.value, secret.value) {
				faults = append(faults, fmt.Errorf("%s contains %s, which other services know: make a random key of its own", key.name, secret.name))
			}
		}
	}
	return errors.Join(faults...)
}

func equal(one, other string) bool {
	return one != "" && subtle.ConstantTimeCompare([]byte(one), []byte(other)) == 1
}

// validateLives enforces T8.
func (c Config) validateLives() error {
	var faults []error
	for _, v := range []struct {
		name       string
		life, most time.Duration
	}{{"LEGACY_ACCESS_LIFE", c.LegacyAccessLife, maxAccessLife}, {"LEGACY_REFRESH_LIFE", c.LegacyRefreshLife, maxRefreshLife}} {
		if v.life < time.Second || v.life > v.most {
			faults = append(faults, fmt.Errorf("%s is %s: must be 1s to %s", v.name, v.life, v.most))
		}
	}
	return errors.Join(faults...)
}

func (c Config) validateLinking() error {
	column, named := strings.CutPrefix(c.LegacyEmailVerified, "column:")
	switch {
	case named && columnName.MatchString(column):
	case c.LegacyEmailVerified == "", c.LegacyEmailVerified == "unverified", c.LegacyEmailVerified == "trust":
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
	return errors.Join(append(faults, c.validateStrength())...)
}

func (c Config) validateStrength() error {
	var faults []error
	for _, v := range append(c.tokenSecrets(), c.ownKeys()...) {
		if v.value != "" && len(v.value) < minSecretBytes {
			faults = append(faults, fmt.Errorf("%s has %d bytes: must have %d or more", v.name, len(v.value), minSecretBytes))
		}
		if isDefault(v.value) {
			faults = append(faults, fmt.Errorf("%s is a default out of a document: make your own", v.name))
		}
	}
	for _, v := range []variable{
		{"DB_PASSWORD", c.DBPassword},
		{"DATABASE_URL's password", passwordIn(c.DatabaseURL)},
		{"DATABASE_DIRECT_URL's password", passwordIn(c.DatabaseDirectURL)},
		{"DATABASE_OWNER_URL's password", passwordIn(c.DatabaseOwnerURL)},
	} {
		if isDefault(v.value) {
			faults = append(faults, fmt.Errorf("%s is a default out of a document: make your own", v.name))
		}
	}
	return errors.Join(faults...)
}

func passwordIn(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "" // validateURLs reports it
	}
	password, _ := u.User.Password()
	return password
}
