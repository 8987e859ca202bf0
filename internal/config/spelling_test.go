package config_test

import (
	"reflect"
	"strings"
	"testing"

	"auth-v2-service/internal/config"
)

// sound is a value for each variable that has no default and no value in production().
var sound = map[string]string{
	"LISTEN_HOST": "127.0.0.1", "CORS_ORIGINS": "https://app.example.com", "TRUSTED_PROXIES": "10.0.0.0/8", "LIMIT_KEY": strings.Repeat("l", 32),
	"FACTS_KEY": strings.Repeat("f", 32), "DATABASE_DIRECT_URL": "postgres://db/people", "DATABASE_OWNER_URL": "postgres://db/people",
	"BACKUP_VERIFY_URL": "postgres://db/people", "DB_PASSWORD": "a-long-password", "AUTH_DB_PASSWORD": "a-long-password",
	"JWT_ACCESS_SECRET_PREVIOUS": strings.Repeat("a", 32), "JWT_REFRESH_SECRET_PREVIOUS": strings.Repeat("r", 32), "LEGACY_SUNSET": "2027-06-30",
	"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099", "FIREBASE_TENANT": "customers-1a2b3", "FIREBASE_CERTS_URL": "https://keys.example.com/x",
	"GOOGLE_APPLICATION_CREDENTIALS": "/run/key.json", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "LEGACY_EMAIL_VERIFIED": "trust",
}

// Every variable that is nearly right is refused by name, whatever its kind: a control character, a blank or quotes stand around it.
// A value is never shown.
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

// A value of another alphabet is refused by name, and so is a list with a member that is.
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

// A file with Windows line ends, as docker --env-file reads it: every variable is named, those that are to be empty included.
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
