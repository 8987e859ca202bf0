// Package config reads the environment into one validated struct and reports all faults together. No other package reads it. It refuses
// what is unsafe in production.
//
// When the build breaks here: a variable is a field with tags, and a rule. A test compares .env.example.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Environments. A missing variable must be safe: the default is production (T1).
const (
	Development = "development"
	Production  = "production"
)

// Config holds all settings. Describe masks the tag secret:"true".
type Config struct {
	Env string `env:"AUTH_ENV" envDefault:"production" enum:"development,production" help:"development allows the emulator and plain HTTP on loopback"`

	Port            int            `env:"PORT" envDefault:"3008" help:"where the API listens"`
	MetricsPort     int            `env:"METRICS_PORT" envDefault:"9464" help:"where Prometheus scrapes /metrics; 0 for any free port"`
	ListenHost      string         `env:"LISTEN_HOST" alphabet:"host" envDefault:"" help:"address to listen on; empty for all"`
	CORSOrigins     []string       `env:"CORS_ORIGINS" help:"origins that browsers may call from, comma-separated; no wildcard"`
	TrustedProxies  []netip.Prefix `env:"TRUSTED_PROXIES" help:"proxies (CIDR) whose X-Forwarded-For is believed"`
	LogLevel        slog.Level     `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	RateLimit       string         `env:"RATE_LIMIT" envDefault:"on" enum:"on,off" help:"off is refused in production"`
	LimitKey        string         `env:"LIMIT_KEY" secret:"true" help:"keys what the limiter remembers; the same on every instance; default: a random key in PostgreSQL"`
	FactsKey        string         `env:"FACTS_KEY" secret:"true" help:"seals what instances leave each other in Redis; the same on every instance; default: a random key in PostgreSQL"`
	LoginFailureMS  int            `env:"LOGIN_FAILURE_MS" envDefault:"500" help:"the beat on which refused sign-ins are answered"`
	BcryptMaxCost   int            `env:"BCRYPT_MAX_COST" envDefault:"14" help:"highest cost of a password hash that is checked; each step doubles a processor's work, about 1 s at 14"`
	ShutdownDrain   time.Duration  `env:"SHUTDOWN_DRAIN" envDefault:"1s" help:"how long to serve on, unready, before stopping"`
	ShutdownTimeout time.Duration  `env:"SHUTDOWN_TIMEOUT" envDefault:"20s" help:"how long requests in flight may take when stopping"`

	DatabaseURL       string `env:"DATABASE_URL" secret:"true" help:"postgres://... ; or the DB_ variables; of several hosts (one:5432,two:5432) the one that takes writes is taken"`
	DatabaseDirectURL string `env:"DATABASE_DIRECT_URL" secret:"true" help:"for migrations, hearing of changes and the jobs' coordinator, when DATABASE_URL is a pooler"`
	DatabaseOwnerURL  string `env:"DATABASE_OWNER_URL" secret:"true" help:"as the owner, for migrations and backups, when the others are of a login that may not; past any pooler"`
	BackupVerifyURL   string `env:"BACKUP_VERIFY_URL" secret:"true" help:"server that backups are restored on to verify them; default: the database's own"`
	DBHost            string `env:"DB_HOST" alphabet:"hosts" envDefault:"postgres"`
	DBPort            int    `env:"DB_PORT" envDefault:"5432"`
	DBName            string `env:"DB_NAME" envDefault:"atma_db"`
	DBUser            string `env:"DB_USER" envDefault:"atma_user"`
	DBPassword        string `env:"DB_PASSWORD" secret:"true"`
	AuthDBPassword    string `env:"AUTH_DB_PASSWORD" secret:"true" help:"the legacy name of DB_PASSWORD"`
	DBSchema          string `env:"DB_SCHEMA" envDefault:"auth" enum:"auth" help:"the schema of the users table; only auth"`
	DBPoolMax         int32  `env:"DB_POOL_MAX" envDefault:"20"`
	LegacyTimezone    string `env:"DB_LEGACY_TIMEZONE" envDefault:"UTC" help:"zone of the platform's timestamps without zone"`
	MigrateOnStart    string `env:"MIGRATE_ON_START" envDefault:"on" enum:"on,check" help:"check: never change the schema, only look"`
	SchemaCheck       string `env:"SCHEMA_CHECK" envDefault:"enforce" enum:"enforce,warn,off" help:"whether a schema that differs from the migrations stops the start"`

	CacheMB uint32 `env:"CACHE_MB" envDefault:"20" help:"memory for the tokens and people seen lately, in MiB"`

	RedisURL  string `env:"REDIS_URL" secret:"true" help:"redis://... ; or the REDIS_ variables"`
	RedisHost string `env:"REDIS_HOST" alphabet:"host" envDefault:"redis"`
	RedisPort int    `env:"REDIS_PORT" envDefault:"6379"`

	JWTAccessSecret          string        `env:"JWT_ACCESS_SECRET" secret:"true" help:"of the legacy access tokens; 32 bytes or more"`
	JWTAccessSecretPrevious  string        `env:"JWT_ACCESS_SECRET_PREVIOUS" secret:"true" help:"the one before, verifies and signs nothing; while its tokens live"`
	JWTRefreshSecret         string        `env:"JWT_REFRESH_SECRET" secret:"true" help:"of the legacy refresh tokens; 32 bytes or more"`
	JWTRefreshSecretPrevious string        `env:"JWT_REFRESH_SECRET_PREVIOUS" secret:"true" help:"the one before, verifies and signs nothing; while its tokens live"`
	LegacyTokens             string        `env:"LEGACY_TOKENS" envDefault:"accept" enum:"accept,off" help:"off: no legacy tokens, no legacy surface, and whoever signs in is moved to Firebase"`
	LegacyAccessLife         time.Duration `env:"LEGACY_ACCESS_LIFE" envDefault:"1h" help:"how long a legacy access token lives; at most 24h"`
	LegacySunset             Date          `env:"LEGACY_SUNSET" help:"the day (2027-06-30) on which the legacy surface will end; clients are told"`
	LegacyRefreshLife        time.Duration `env:"LEGACY_REFRESH_LIFE" envDefault:"720h" help:"how long a legacy refresh token lives; at most 2160h"`
	LegacySessionsMax        int           `env:"LEGACY_SESSIONS_MAX" envDefault:"50" help:"how many live legacy sessions a person may have, 1 to 100; one more ends the one used longest ago"`

	FirebaseProjectID     string `env:"FIREBASE_PROJECT_ID" alphabet:"project"`
	FirebaseAPIKey        string `env:"FIREBASE_API_KEY" alphabet:"key" secret:"true" help:"the project's web API key"`
	FirebaseEmulatorHost  string `env:"FIREBASE_AUTH_EMULATOR_HOST" alphabet:"hostport" help:"host:port; development only"`
	FirebaseTenant        string `env:"FIREBASE_TENANT" alphabet:"key" help:"the only tenant to accept; empty: none"`
	FirebaseCertsURL      string `env:"FIREBASE_CERTS_URL" help:"where the token keys are, for closed networks"`
	GoogleCredentialsFile string `env:"GOOGLE_APPLICATION_CREDENTIALS" help:"a service account's key file; empty: the machine's own"`

	ReconcileEvery time.Duration `env:"RECONCILE_EVERY" envDefault:"24h" help:"how often all rows are held against Firebase's accounts; 0: never by itself"`

	OTLPEndpoint     string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"a collector's base URL for OTLP over HTTP; empty: no traces are exported"`
	TracesSampler    string  `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on" enum:"always_on,always_off,traceidratio,parentbased_always_on,parentbased_always_off,parentbased_traceidratio" help:"which traces are exported"`
	TracesSamplerArg float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"1" help:"the ratio of those samplers that have one: 0 to 1"`

	LinkProviders       []string `env:"LINK_PROVIDERS" alphabet:"provider" envDefault:"password,google.com,apple.com" help:"sign-in providers whose verified e-mail links an account"`
	LegacyEmailVerified string   `env:"LEGACY_EMAIL_VERIFIED" envDefault:"" help:"unverified, trust, or column:<name>; unset counts as unverified, and moves nobody"`
}

// Load validates an environment. Its error names every fault.
func Load(environment map[string]string) (Config, error) {
	var c Config
	parseErr := env.ParseWithOptions(&c, env.Options{Environment: environment})
	c.derive()
	if err := errors.Join(spelling(environment, func(string) bool { return true }), named(parseErr), c.validate()); err != nil {
		return Config{}, fmt.Errorf("the configuration is not valid:\n%w", err)
	}
	return c, nil
}

func named(parseErr error) error {
	var all env.AggregateError
	if !errors.As(parseErr, &all) {
		return parseErr
	}
	faults := make([]error, len(all.Errors))
	for i, fault := range all.Errors {
		faults[i] = fault
		var parse env.ParseError
		if !errors.As(fault, &parse) {
			continue
		}
		if field, found := reflect.TypeFor[Config]().FieldByName(parse.Name); found {
			faults[i] = fmt.Errorf("%s cannot be read: %w", field.Tag.Get("env"), parse.Err)
		}
	}
	return errors.Join(faults...)
}

// derive skips faulty sources: a fault names those.
func (c *Config) derive() {
	c.unmapProxies()
	if c.DBPassword == "" {
		c.DBPassword = c.AuthDBPassword
	}
	if c.DatabaseURL == "" && c.DBPassword != "" && ofKind([]string{c.DBHost}, "hosts") == "" && usablePort(c.DBPort) {
		c.DatabaseURL = (&url.URL{
			Scheme: "postgres", User: url.UserPassword(c.DBUser, c.DBPassword),
			Host: serversOf(c.DBHost, c.DBPort), Path: "/" + c.DBName,
		}).String()
	}
	if c.DatabaseDirectURL == "" {
		c.DatabaseDirectURL = c.DatabaseURL
	}
	if c.DatabaseOwnerURL == "" {
		c.DatabaseOwnerURL = c.DatabaseDirectURL
	}
	if c.RedisURL == "" && ofKind([]string{c.RedisHost}, "host") == "" && usablePort(c.RedisPort) {
		c.RedisURL = "redis://" + net.JoinHostPort(c.RedisHost, strconv.Itoa(c.RedisPort))
	}
}

func serversOf(hosts string, port int) string {
	all := strings.Split(hosts, ",")
	for i, host := range all {
		all[i] = net.JoinHostPort(strings.TrimSpace(host), strconv.Itoa(port))
	}
	return strings.Join(all, ",")
}

// AllowUnsigned reports whether the official emulator's unsigned tokens pass.
func (c Config) AllowUnsigned() bool {
	return c.Env == Development && c.FirebaseEmulatorHost != "" && c.FirebaseCertsURL == ""
}

// BehindPooler reports whether DATABASE_URL is a pooler (D6).
func (c Config) BehindPooler() bool { return c.DatabaseDirectURL != c.DatabaseURL }

// LoadDatabase reads only the database settings.
func LoadDatabase(environment map[string]string) (Config, error) {
	var c Config
	parseErr := env.ParseWithOptions(&c, env.Options{Environment: environment})
	c.derive()
	err := errors.Join(spelling(environment, ofDatabase), named(parseErr), c.validateURLs())
	if c.DatabaseURL == "" && c.DBPassword == "" {
		err = errors.Join(err, errors.New("DATABASE_URL (or DB_PASSWORD) is not set"))
	}
	if err != nil {
		return Config{}, fmt.Errorf("the configuration is not valid:\n%w", err)
	}
	return c, nil
}

// MovesAllowed reports whether LEGACY_EMAIL_VERIFIED is set (M5).
func (c Config) MovesAllowed() bool { return c.LegacyEmailVerified != "" }

// LegacyAccepted reports whether legacy tokens are on (T8).
func (c Config) LegacyAccepted() bool { return c.LegacyTokens == "accept" }

// InDevelopment reports whether Env is Development.
func (c Config) InDevelopment() bool { return c.Env == Development }
