package config_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/config"
)

func production(changes map[string]string) map[string]string {
	environment := map[string]string{
		"DATABASE_URL":        "postgres://user:database-password@db:5432/atma_db",
		"REDIS_URL":           "redis://:redis-password@redis:6379/0",
		"FIREBASE_PROJECT_ID": "a-project", "FIREBASE_API_KEY": "the-api-key",
		"JWT_ACCESS_SECRET":  "an-access-secret-of-32-bytes-or-more",
		"JWT_REFRESH_SECRET": "a-refresh-secret-of-32-bytes-or-more",
	}
	maps.Copy(environment, changes)
	return environment
}

func development(changes map[string]string) map[string]string {
	environment := production(map[string]string{"AUTH_ENV": "development"})
	maps.Copy(environment, changes)
	return environment
}

func load(t *testing.T, environment map[string]string) config.Config {
	t.Helper()
	c, err := config.Load(environment)
	if err != nil {
		t.Fatalf("a sound environment was refused: %v", err)
	}
	return c
}

func TestLoad_SeveralServers(t *testing.T) {
	t.Parallel()
	for address, sound := range map[string]bool{
		"postgres://me:pw@one:5432,two:5433/people":                                 true,
		"postgres://me:pw@one,two/people":                                           true,
		"postgres://me:pw@one:5432,two:5432/people?target_session_attrs=read-write": true,
		"postgres://me:pw@one:5432,two:5432/people?target_session_attrs=primary":    true,
		"postgres://me:pw@one:5432/people?target_session_attrs=any":                 true,
		"postgres://me:pw@one:5432,two:5432/people?target_session_attrs=standby":    false,
		"postgres://me:pw@one:5432/people?target_session_attrs=prefer-standby":      false,
		"postgres://me:pw@one:5432/people?target_session_attrs=read-only":           false,
		"postgres://me:pw@one:5432,/people":                                         false,
		"postgres://me:pw@one:5432,two/people":                                      false,
	} {
		for _, name := range []string{"DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL"} {
			_, err := config.Load(production(map[string]string{name: address}))
			if (err == nil) != sound || err != nil && (!strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "pw")) {
				t.Errorf("%s=%s: %v, sound is %t", name, address, err, sound)
			}
		}
	}
	c := load(t, production(map[string]string{"DATABASE_URL": "", "DB_PASSWORD": "a-password-of-the-database", "DB_HOST": "one,two", "DB_PORT": "5433"}))
	if !strings.Contains(c.DatabaseURL, "@one:5433,two:5433/") {
		t.Errorf("DB_HOST=one,two is %s", c.DatabaseURL)
	}
}

func TestLoad_Defaults(t *testing.T) {
	t.Parallel()
	c := load(t, production(nil))
	if c.Env != config.Production || c.InDevelopment() || c.AllowUnsigned() {
		t.Error("T1: AUTH_ENV unset must mean production")
	}
	if c.Port != 3008 || c.RateLimit != "on" || c.MigrateOnStart != "on" || c.LegacyTimezone != "UTC" || c.LoginFailureMS != 500 {
		t.Errorf("the defaults are %+v", c)
	}
	if c.LegacyEmailVerified != "" || c.MovesAllowed() || strings.Join(c.LinkProviders, " ") != "password google.com apple.com" {
		t.Errorf("F3: links are by %v with LEGACY_EMAIL_VERIFIED=%s", c.LinkProviders, c.LegacyEmailVerified)
	}
	if len(c.CORSOrigins) != 0 || len(c.TrustedProxies) != 0 {
		t.Errorf("by default %v may call and %v is believed, expected nobody", c.CORSOrigins, c.TrustedProxies)
	}
	if c.DatabaseDirectURL != c.DatabaseURL {
		t.Error("D6: DATABASE_DIRECT_URL does not follow DATABASE_URL")
	}
	if c.LimitKey != "" || c.FactsKey != "" {
		t.Error("LIMIT_KEY or FACTS_KEY follows from another setting, which other services know")
	}
	if !c.LegacyAccepted() || c.LegacyAccessLife != time.Hour || c.LegacyRefreshLife != 30*24*time.Hour {
		t.Errorf("T8: LEGACY_TOKENS=%s, lives of %s and %s", c.LegacyTokens, c.LegacyAccessLife, c.LegacyRefreshLife)
	}
	if c.ShutdownDrain != time.Second || c.ShutdownTimeout != 20*time.Second {
		t.Errorf("stopping takes %s and %s", c.ShutdownDrain, c.ShutdownTimeout)
	}
}

func TestLoad_DatabaseFromParts(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"DB_PASSWORD", "AUTH_DB_PASSWORD"} {
		environment := production(map[string]string{
			password: "p@ss/w:rd", "DB_HOST": "2001:db8::1", "DB_PORT": "5433", "DB_NAME": "people", "DB_USER": "me", "REDIS_HOST": "cache", "REDIS_PORT": "6380",
		})
		delete(environment, "DATABASE_URL")
		delete(environment, "REDIS_URL")
		c := load(t, environment)
		if want := "postgres://me:p%40ss%2Fw%3Ard@[2001:db8::1]:5433/people"; c.DatabaseURL != want {
			t.Errorf("with %s the database is %s, expected %s", password, c.DatabaseURL, want)
		}
		if want := "redis://cache:6380"; c.RedisURL != want {
			t.Errorf("redis is %s, expected %s", c.RedisURL, want)
		}
	}
}

func TestLoad_NamesAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load(map[string]string{
		"AUTH_ENV": "staging", "PORT": "a port", "METRICS_PORT": "70000", "LOG_LEVEL": "loud", "TRUSTED_PROXIES": "10.0.0.1", "DB_POOL_MAX": "many",
		"SHUTDOWN_DRAIN": "a while", "SHUTDOWN_TIMEOUT": "-1s", "DATABASE_URL": "host=db password=hunter2", "REDIS_URL": "http://:hunter2@redis",
		"RATE_LIMIT": "maybe", "MIGRATE_ON_START": "perhaps", "DB_SCHEMA": "public", "CORS_ORIGINS": "*", "DB_LEGACY_TIMEZONE": "Mars/Olympus",
		"LOGIN_FAILURE_MS": "0", "LEGACY_EMAIL_VERIFIED": "column:drop table", "JWT_ACCESS_SECRET": "hunter2", "JWT_REFRESH_SECRET": "hunter2",
	})
	if err == nil {
		t.Fatal("a hopeless environment was accepted")
	}
	for _, name := range []string{
		"AUTH_ENV", "PORT", "METRICS_PORT", "LOG_LEVEL", "TRUSTED_PROXIES", "DB_POOL_MAX", "SHUTDOWN_DRAIN", "SHUTDOWN_TIMEOUT", "DATABASE_URL",
		"REDIS_URL", "RATE_LIMIT", "MIGRATE_ON_START", "DB_SCHEMA", "CORS_ORIGINS", "DB_LEGACY_TIMEZONE", "LOGIN_FAILURE_MS",
		"LEGACY_EMAIL_VERIFIED", "JWT_ACCESS_SECRET and JWT_REFRESH_SECRET are equal", "FIREBASE_PROJECT_ID", "FIREBASE_API_KEY",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the refusal does not name %s:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the refusal shows a secret:\n%v", err)
	}
}

func TestLoad_ProductionRefuses(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string]map[string]string{
		"FIREBASE_AUTH_EMULATOR_HOST is set":          {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"},
		"FIREBASE_CERTS_URL must begin with https://": {"FIREBASE_CERTS_URL": "http://127.0.0.1:9099/certs"},
		"RATE_LIMIT=off":                           {"RATE_LIMIT": "off"},
		"JWT_ACCESS_SECRET has 31 bytes":           {"JWT_ACCESS_SECRET": strings.Repeat("a", 31)},
		"JWT_REFRESH_SECRET has 1 bytes":           {"JWT_REFRESH_SECRET": "b"},
		"JWT_ACCESS_SECRET is a default":           {"JWT_ACCESS_SECRET": "Your_JWT_access_secret"},
		"JWT_REFRESH_SECRET is a default":          {"JWT_REFRESH_SECRET": "your_jwt_refresh_secret"},
		"DB_PASSWORD is a default":                 {"DB_PASSWORD": "your_secure_password"},
		"JWT_ACCESS_SECRET_PREVIOUS has 31 bytes":  {"JWT_ACCESS_SECRET_PREVIOUS": strings.Repeat("a", 31)},
		"JWT_REFRESH_SECRET_PREVIOUS is a default": {"JWT_REFRESH_SECRET_PREVIOUS": "development-only-refresh-secret-of-compose"},
		"LIMIT_KEY has 5 bytes":                    {"LIMIT_KEY": "short"},
		"FACTS_KEY has 5 bytes":                    {"FACTS_KEY": "short"},
	} {
		for _, env := range []string{"", "production"} {
			environment := production(changes)
			if env != "" {
				environment["AUTH_ENV"] = env
			}
			if _, err := config.Load(environment); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("AUTH_ENV=%s with %v: %v, expected it refused by %q", env, changes, err, name)
			}
		}
		load(t, development(changes))
	}
}

func TestLoad_RefusedEverywhere(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string]map[string]string{
		"JWT_ACCESS_SECRET and JWT_REFRESH_SECRET are equal":           {"JWT_ACCESS_SECRET": "a-refresh-secret-of-32-bytes-or-more"},
		"JWT_ACCESS_SECRET and JWT_ACCESS_SECRET_PREVIOUS are equal":   {"JWT_ACCESS_SECRET_PREVIOUS": "an-access-secret-of-32-bytes-or-more"},
		"JWT_ACCESS_SECRET and JWT_REFRESH_SECRET_PREVIOUS are equal":  {"JWT_REFRESH_SECRET_PREVIOUS": "an-access-secret-of-32-bytes-or-more"},
		"JWT_REFRESH_SECRET and JWT_ACCESS_SECRET_PREVIOUS are equal":  {"JWT_ACCESS_SECRET_PREVIOUS": "a-refresh-secret-of-32-bytes-or-more"},
		"JWT_REFRESH_SECRET and JWT_REFRESH_SECRET_PREVIOUS are equal": {"JWT_REFRESH_SECRET_PREVIOUS": "a-refresh-secret-of-32-bytes-or-more"},
		"JWT_ACCESS_SECRET_PREVIOUS and JWT_REFRESH_SECRET_PREVIOUS are equal": {
			"JWT_ACCESS_SECRET_PREVIOUS": "one-older-secret-of-32-bytes-or-more", "JWT_REFRESH_SECRET_PREVIOUS": "one-older-secret-of-32-bytes-or-more",
		},
		"JWT_REFRESH_SECRET and FACTS_KEY are equal": {"FACTS_KEY": "a-refresh-secret-of-32-bytes-or-more"},
		"JWT_ACCESS_SECRET and LIMIT_KEY are equal":  {"LIMIT_KEY": "an-access-secret-of-32-bytes-or-more"},
		"LIMIT_KEY and FACTS_KEY are equal":          {"LIMIT_KEY": strings.Repeat("k", 32), "FACTS_KEY": strings.Repeat("k", 32)},
		"FACTS_KEY contains JWT_REFRESH_SECRET":      {"FACTS_KEY": "facts:a-refresh-secret-of-32-bytes-or-more"},
		"LIMIT_KEY contains JWT_ACCESS_SECRET":       {"LIMIT_KEY": "limits:an-access-secret-of-32-bytes-or-more"},
		"FACTS_KEY contains JWT_ACCESS_SECRET_PREV":  {"JWT_ACCESS_SECRET_PREVIOUS": strings.Repeat("p", 32), "FACTS_KEY": strings.Repeat("p", 33)},
		"FACTS_KEY and FIREBASE_API_KEY are equal":   {"FACTS_KEY": strings.Repeat("w", 39), "FIREBASE_API_KEY": strings.Repeat("w", 39)},
		"FACTS_KEY and DATABASE_URL's password":      {"FACTS_KEY": strings.Repeat("d", 32), "DATABASE_URL": "postgres://me:" + strings.Repeat("d", 32) + "@db/people"},
		"LIMIT_KEY and REDIS_URL's password":         {"LIMIT_KEY": strings.Repeat("r", 32), "REDIS_URL": "redis://:" + strings.Repeat("r", 32) + "@cache"},
		"JWT_ACCESS_SECRET and FIREBASE_API_KEY":     {"FIREBASE_API_KEY": "an-access-secret-of-32-bytes-or-more"},
		"LEGACY_TOKENS is":                           {"LEGACY_TOKENS": "on"},
		"LEGACY_ACCESS_LIFE is 24h0m1s":              {"LEGACY_ACCESS_LIFE": "24h0m1s"},
		"LEGACY_ACCESS_LIFE is 0s":                   {"LEGACY_ACCESS_LIFE": "0s"},
		"LEGACY_REFRESH_LIFE is 2160h0m1s":           {"LEGACY_REFRESH_LIFE": "2160h0m1s"},
		"LEGACY_REFRESH_LIFE is -1h0m0s":             {"LEGACY_REFRESH_LIFE": "-1h"},
		"LEGACY_REFRESH_LIFE cannot be read":         {"LEGACY_REFRESH_LIFE": "30d"},
		"JWT_ACCESS_SECRET is not set":               {"JWT_ACCESS_SECRET": ""},
		"FIREBASE_API_KEY is not set":                {"FIREBASE_API_KEY": ""},
		"AUTH_ENV":                                   {"AUTH_ENV": "Production"},
		"PORT and METRICS_PORT are both":             {"PORT": "9000", "METRICS_PORT": "9000"},
		"PORT is -1":                                 {"PORT": "-1"},
		"DB_POOL_MAX":                                {"DB_POOL_MAX": "0"},
		"CACHE_MB is 0":                              {"CACHE_MB": "0"},
		"SHUTDOWN_TIMEOUT":                           {"SHUTDOWN_TIMEOUT": "0s"},
		"DATABASE_DIRECT_URL":                        {"DATABASE_DIRECT_URL": "mysql://db"},
		"REDIS_URL":                                  {"REDIS_URL": "redis"},
		"FIREBASE_CERTS_URL":                         {"FIREBASE_CERTS_URL": "ftp://certs"},
		"OTEL_EXPORTER_OTLP_ENDPOINT must be a URL":  {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
		"OTEL_EXPORTER_OTLP_ENDPOINT must not hold":  {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:hunter2@collector"},
		"OTEL_TRACES_SAMPLER is":                     {"OTEL_TRACES_SAMPLER": "jaeger_remote"},
		"OTEL_TRACES_SAMPLER_ARG is":                 {"OTEL_TRACES_SAMPLER_ARG": "1.5"},
		"OTEL_TRACES_SAMPLER_ARG is NaN":             {"OTEL_TRACES_SAMPLER_ARG": "NaN"},
		"OTEL_TRACES_SAMPLER_ARG cannot be read":     {"OTEL_TRACES_SAMPLER_ARG": "a tenth"},
		"CORS_ORIGINS":                               {"CORS_ORIGINS": "https://app.example.com/"},
		`CORS_ORIGINS holds "*"`:                     {"CORS_ORIGINS": "https://app.example.com,*"},
		"LEGACY_EMAIL_VERIFIED":                      {"LEGACY_EMAIL_VERIFIED": "column:"},
		"LOGIN_FAILURE_MS":                           {"LOGIN_FAILURE_MS": "10001"},
		"TRUSTED_PROXIES":                            {"TRUSTED_PROXIES": "10.0.0.0/33"},
		"TRUSTED_PROXIES holds ::ffff:10.0.0.0/8":    {"TRUSTED_PROXIES": "::ffff:10.0.0.0/8"},
		"TRUSTED_PROXIES cannot be read":             {"TRUSTED_PROXIES": "fe80::%eth0/10"},
		"LEGACY_SESSIONS_MAX is 0":                   {"LEGACY_SESSIONS_MAX": "0"},
		"LEGACY_SESSIONS_MAX is 101":                 {"LEGACY_SESSIONS_MAX": "101"},
	} {
		if _, err := config.Load(development(changes)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v, expected it refused by %q", changes, err, name)
		}
	}
}

func TestLoad_Accepted(t *testing.T) {
	t.Parallel()
	for _, changes := range []map[string]string{
		{"CORS_ORIGINS": "https://app.example.com,http://localhost:5173"},
		{"TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8"},
		{"PORT": "0", "METRICS_PORT": "0"},
		{"LEGACY_EMAIL_VERIFIED": "trust"},
		{"LEGACY_EMAIL_VERIFIED": "column:email_verified"},
		{"DB_LEGACY_TIMEZONE": "Asia/Jakarta"},
		{"REDIS_URL": "rediss://cache:6380"},
		{"DATABASE_URL": "postgresql://db/people"},
		{"LOG_LEVEL": "debug"},
		{"JWT_ACCESS_SECRET_PREVIOUS": "an-older-access-secret-of-32-bytes", "JWT_REFRESH_SECRET_PREVIOUS": "an-older-refresh-secret-of-32-bytes"},
		{"LEGACY_TOKENS": "off"},
		{"LEGACY_ACCESS_LIFE": "24h", "LEGACY_REFRESH_LIFE": "2160h"},
		{"FIREBASE_CERTS_URL": "https://keys.example.com/certs"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
	} {
		load(t, production(changes))
	}
}

func TestLoad_TrustedProxiesAreUnmapped(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"10.0.0.0/8": "[10.0.0.0/8]", "::ffff:10.0.0.0/104": "[10.0.0.0/8]", "::ffff:0a00:0/104": "[10.0.0.0/8]", "::ffff:10.0.0.1/128": "[10.0.0.1/32]",
		"::ffff:0.0.0.0/96": "[0.0.0.0/0]", "fd00::/8": "[fd00::/8]", "::/0": "[::/0]", "fd00::/8,::ffff:10.0.0.0/104": "[fd00::/8 10.0.0.0/8]",
	} {
		if got := fmt.Sprint(load(t, production(map[string]string{"TRUSTED_PROXIES": written})).TrustedProxies); got != want {
			t.Errorf("TRUSTED_PROXIES=%s is %s, expected %s", written, got, want)
		}
	}
}

func TestAllowUnsigned_T1(t *testing.T) {
	t.Parallel()
	emulator := map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}
	signed := map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099", "FIREBASE_CERTS_URL": "http://127.0.0.1:9099/certs"}
	if !load(t, development(emulator)).AllowUnsigned() {
		t.Error("the official emulator's tokens do not pass in development")
	}
	for _, c := range []config.Config{load(t, development(signed)), load(t, development(nil)), load(t, production(nil))} {
		if c.AllowUnsigned() {
			t.Errorf("unsigned tokens pass with AUTH_ENV=%s, emulator %q, keys %q", c.Env, c.FirebaseEmulatorHost, c.FirebaseCertsURL)
		}
	}
	without := development(emulator)
	delete(without, "FIREBASE_API_KEY")
	load(t, without)
}

// Its output may be pasted into a ticket.
func TestDescribe_MasksEverySecret(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{
		"DATABASE_URL": "postgres://me:hidden-1@db/people", "DATABASE_DIRECT_URL": "postgres://me:hidden-2@db/people", "DB_PASSWORD": "hidden-3",
		"AUTH_DB_PASSWORD": "hidden-4", "REDIS_URL": "redis://:hidden-5@redis", "JWT_ACCESS_SECRET": "hidden-6-of-32-bytes-or-more-than-that",
		"JWT_REFRESH_SECRET": "hidden-7-of-32-bytes-or-more-than-that", "FIREBASE_API_KEY": "hidden-8",
		"JWT_ACCESS_SECRET_PREVIOUS": "hidden-10-of-32-bytes-or-more-than-that", "JWT_REFRESH_SECRET_PREVIOUS": "hidden-11-of-32-bytes-or-more-than-that",
		"LIMIT_KEY": "hidden-9-of-32-bytes-or-more-than-that", "FACTS_KEY": "hidden-12-of-32-bytes-or-more-than-that",
	}
	text := load(t, production(secrets)).Describe()
	if strings.Contains(text, "hidden") {
		t.Errorf("a secret shows:\n%s", text)
	}
	for name := range secrets {
		if !strings.Contains(text, "\n"+name+"=********\n") {
			t.Errorf("%s is not shown as masked:\n%s", name, text)
		}
	}
	for _, line := range []string{"PORT=3008\n", "AUTH_ENV=production\n", "FIREBASE_PROJECT_ID=a-project\n", "FIREBASE_TENANT=\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("the line %q is missing:\n%s", line, text)
		}
	}
}
