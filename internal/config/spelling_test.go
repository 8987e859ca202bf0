package config_test

import (
	"reflect"
	"strings"
	"testing"

	"auth-v2-service/internal/config"
)

var sound = map[string]string{
	"LISTEN_HOST": "127.0.0.1", "CORS_ORIGINS": "https://app.example.com", "TRUSTED_PROXIES": "10.0.0.0/8", "LIMIT_KEY": strings.Repeat("l", 32),
	"FACTS_KEY": strings.Repeat("f", 32), "DATABASE_DIRECT_URL": "postgres://db/people", "DATABASE_OWNER_URL": "postgres://db/people",
	"BACKUP_VERIFY_URL": "postgres://db/people", "DB_PASSWORD": "a-long-password", "AUTH_DB_PASSWORD": "a-long-password",
	"JWT_ACCESS_SECRET_PREVIOUS": strings.Repeat("a", 32), "JWT_REFRESH_SECRET_PREVIOUS": strings.Repeat("r", 32), "LEGACY_SUNSET": "2027-06-30",
	"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099", "FIREBASE_TENANT": "customers-1a2b3", "FIREBASE_CERTS_URL": "https://keys.example.com/x",
	"GOOGLE_APPLICATION_CREDENTIALS": "/run/key.json", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "LEGACY_EMAIL_VERIFIED": "trust",
}

func TestLoad_RefusesWhatIsNearlyRight(t *testing.T) {
	t.Parallel()
	types := reflect.TypeFor[config.Config]()
	for i := range types.NumField() {
		field := types.Field(i)
		name := field.Tag.Get("env")
		value := development(nil)[name]
		for _, other := range []string{sound[name], field.Tag.Get("envDefault")} {
			if value == "" {
				value = other
			}
		}
		if value == "" {
			t.Errorf("%s: the test knows no sound value", name)
			continue
		}
		if _, err := config.Load(development(map[string]string{name: value})); err != nil {
			t.Errorf("%s: a sound value was refused: %v", name, err)
		}
		for what, bent := range map[string]string{
			"a carriage return": value + "\r", "a line end": value + "\n", "a tab": "\t" + value, "a NUL": value + "\x00", "a blank behind": value + " ",
			"a blank before": " " + value, "a wide blank": value + "\u00a0", "double quotes": `"` + value + `"`, "quotes": "'" + value + "'",
			"typographic quotes": "“" + value + "”", "a byte order mark": "\ufeff" + value, "a zero-width space": value + "\u200b", "no UTF-8": value + "\xff",
			"a carriage return alone": "\r", "a blank alone": " ", "quotes around nothing": `""`,
		} {
			_, err := config.Load(development(map[string]string{name: bent}))
			if err == nil || !strings.Contains(err.Error(), "\n"+name+" ") {
				t.Errorf("%s with %s: answered %v, expected a refusal that names it", name, what, err)
			}
			if err != nil && field.Tag.Get("secret") == "true" && strings.Contains(err.Error(), value) {
				t.Errorf("%s with %s: the refusal shows the secret", name, what)
			}
		}
	}
}

func TestLoad_RefusesAnotherAlphabet(t *testing.T) {
	t.Parallel()
	for _, bent := range [][2]string{
		{"FIREBASE_PROJECT_ID", "My-Project"},
		{"FIREBASE_PROJECT_ID", "my project"},
		{"FIREBASE_PROJECT_ID", "my_project"},
		{"FIREBASE_PROJECT_ID", "my-project;"},
		{"FIREBASE_PROJECT_ID", "https://my-project.firebaseapp.com"},
		{"FIREBASE_PROJECT_ID", `my"project`},
		{"FIREBASE_PROJECT_ID", "projects/my-project"},
		{"FIREBASE_PROJECT_ID", "<my-project>"},
		{"FIREBASE_PROJECT_ID", "$PROJECT"},
		{"FIREBASE_PROJECT_ID", "my-project # production"},
		{"FIREBASE_PROJECT_ID", "mу-project"},
		{"FIREBASE_API_KEY", "AIza Sy"},
		{"FIREBASE_API_KEY", "AIza+Sy="},
		{"FIREBASE_TENANT", "a tenant"},
		{"FIREBASE_TENANT", "customers,others"},
		{"FIREBASE_AUTH_EMULATOR_HOST", "http://127.0.0.1:9099"},
		{"FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1"},
		{"DB_HOST", "postgres://db"},
		{"DB_HOST", "a b"},
		{"REDIS_HOST", "redis://cache:6379?x"},
		{"LISTEN_HOST", "a host"},
		{"LINK_PROVIDERS", "password, google.com"},
		{"LINK_PROVIDERS", "password,,google.com"},
		{"LINK_PROVIDERS", "password;google.com"},
		{"LINK_PROVIDERS", "Google.com"},
		{"LINK_PROVIDERS", `password,"google.com"`},
		{"LINK_PROVIDERS", "password,"},
		{"LINK_PROVIDERS", "[password]"},
		{"CORS_ORIGINS", "https://a.example.com, https://b.example.com"},
		{"CORS_ORIGINS", "https://a.example.com,"},
		{"CORS_ORIGINS", "https://a.example.com/"},
		{"TRUSTED_PROXIES", "10.0.0.0/8, 192.168.0.0/16"},
		{"SHUTDOWN_DRAIN", "1"},
		{"SHUTDOWN_DRAIN", "1 s"},
		{"PORT", "3,008"},
		{"PORT", "0x10"},
		{"RATE_LIMIT", "true"},
		{"RATE_LIMIT", "ON"},
		{"LOG_LEVEL", "verbose"},
		{"REDIS_URL", "redis://cache :6379"},
		{"DATABASE_URL", "postgres://db:port/x"},
	} {
		if _, err := config.Load(development(map[string]string{bent[0]: bent[1]})); err == nil || !strings.Contains(err.Error(), bent[0]) {
			t.Errorf("%s=%s: answered %v, expected a refusal that names it", bent[0], bent[1], err)
		}
	}
	for _, good := range []string{"my-project-1a2b3", "demo", "p", "example.com:my-project"} {
		load(t, development(map[string]string{"FIREBASE_PROJECT_ID": good}))
	}
}

func TestLoad_RefusesWhatWouldNotWork(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"FIREBASE_PROJECT_ID": {"123456789012", "my-project-", "-my-project", "1project"},
		"LINK_PROVIDERS":      {"google", "password,apple", "phone", "anonymous", "custom", "firebase", "email", "google.com,.com", "none"},
		"CORS_ORIGINS": {
			"https://app.example.com:443", "http://app.example.com:80", "https://m\u00fcnchen.example", "https://app.example.com:99999",
			"https://app.example.com:", "https://app.example.com:03000", "https://app.example.com:0", "https://app.example.com?", "https://app example.com",
		},
		"DB_HOST":                     {"localhost:5432", "10.0.0.1:5432", "one,two:5432", "[::1]", "/var/run/postgresql", "h:", "one,", "%2e", "1:2"},
		"REDIS_HOST":                  {"localhost:6379", "10.0.0.1:6379", "[::1]", "/run/redis.sock", "one,two"},
		"LISTEN_HOST":                 {"0.0.0.0:3008", "localhost:3008", ":3008", "[::]", "/run/authd.sock"},
		"DB_LEGACY_TIMEZONE":          {"Local", "local", "WIB", "UTC+7"},
		"DB_POOL_MAX":                 {"0", "1"},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {"http://collector:4318/v1/traces", "http://collector:4318/v1/traces/", "http://collector:4318/#x", "http://collector:99999"},
		"FIREBASE_CERTS_URL":          {"https://keys.example.com:99999/x", "https://keys.example.com:0/x"},
		"REDIS_URL": {
			"redis://cache:6379/abc", "redis://cache:6379/0/1", "redis://cache:6379/-1", "redis://cache:6379/0?timeout=5", "redis://cache:99999",
			"redis://one:6379,two:6379", "redis://cache:6379?db=x",
		},
	} {
		for _, value := range values {
			expectAlone(t, name, value)
		}
	}
	for _, name := range []string{"DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL", "BACKUP_VERIFY_URL"} {
		for _, rest := range []string{
			":99999/people", ":0/people", "/people?sslmode=Disable", "/people?sslmode=foo", "/people?connect_timeout=soon", "/people?pool_max_conns=many",
			"/people?sslrootcert=/no/such/file", "/people?default_query_exec_mode=fast",
		} {
			expectAlone(t, name, "postgres://me:the-password@db"+rest)
		}
	}
	for name, values := range map[string][]string{
		"LINK_PROVIDERS":              {"password", "google.com,oidc.corp,saml.corp-2,playgames.google.com", "oidc.my_corp"},
		"CORS_ORIGINS":                {"http://localhost:3000", "https://[::1]:8443", "capacitor://localhost", "https://APP.example.com", "https://xn--mnchen-3ya.example"},
		"DB_HOST":                     {"db", "one,two", "::1", "fe80::1%eth0", "10.0.0.1", "db-1.internal.", "my_db"},
		"REDIS_HOST":                  {"cache", "::1", "10.0.0.1"},
		"LISTEN_HOST":                 {"127.0.0.1", "::", "localhost"},
		"DB_LEGACY_TIMEZONE":          {"Asia/Jakarta", "UTC", "Etc/GMT-7"},
		"REDIS_URL":                   {"rediss://:a-password@cache:6380/1", "redis://cache", "redis://[::1]:6379"},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {"http://collector:4318", "http://collector:4318/", "https://collector.example.com/otlp"},
	} {
		for _, value := range values {
			environment := development(map[string]string{name: value})
			if name == "DB_HOST" {
				delete(environment, "DATABASE_URL")
				environment["DB_PASSWORD"] = "a-long-password"
			}
			load(t, environment)
		}
	}
}

func expectAlone(t *testing.T, name, value string) {
	t.Helper()
	environment := development(map[string]string{name: value})
	if strings.HasPrefix(name, "DB_") {
		delete(environment, "DATABASE_URL")
		environment["DB_PASSWORD"] = "a-long-password"
	}
	if name == "REDIS_HOST" {
		delete(environment, "REDIS_URL")
	}
	_, err := config.Load(environment)
	if err == nil {
		t.Errorf("%s=%s is taken", name, value)
		return
	}
	faults := strings.Split(err.Error(), "\n")[1:]
	if len(faults) != 1 || !strings.HasPrefix(faults[0], name+" ") || strings.Contains(err.Error(), "the-password") {
		t.Errorf("%s=%s: answered %v, expected one refusal that names it", name, value, err)
	}
}

func TestLoad_AFileWithWindowsLineEnds(t *testing.T) {
	t.Parallel()
	environment := production(map[string]string{"FIREBASE_TENANT": "", "PORT": "3008", "LEGACY_TOKENS": "accept"})
	for name, value := range environment {
		environment[name] = value + "\r"
	}
	_, err := config.Load(environment)
	for name := range environment {
		if err == nil || !strings.Contains(err.Error(), name+" ends with a carriage return") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	if _, err := config.LoadDatabase(environment); err == nil || !strings.Contains(err.Error(), "DATABASE_URL ends with a carriage return") || strings.Contains(err.Error(), "FIREBASE") {
		t.Errorf("a command that needs the database alone said %v", err)
	}
}
