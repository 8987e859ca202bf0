package doctor_test

import (
	"log/slog"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/doctor"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/testkit/rsakeys"
)

const project, key = "demo-doctor", "the-projects-own-key"

func settings(t *testing.T, provider identity.Options, changes map[string]string) (config.Config, *identity.Provider) {
	t.Helper()
	provider.ProjectID, provider.ScryptMemoryCost, provider.NewKey = project, 4, rsakeys.Source()
	p, err := identity.New(provider)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() { server.Close(); _ = p.Close() })
	environment := map[string]string{
		"AUTH_ENV": "development", "FIREBASE_PROJECT_ID": project, "FIREBASE_API_KEY": key,
		"FIREBASE_AUTH_EMULATOR_HOST": server.Listener.Addr().String(), "FIREBASE_CERTS_URL": server.URL + identity.CertificatePath,
		"JWT_ACCESS_SECRET": "access-secret-of-a-test-32-bytes!", "JWT_REFRESH_SECRET": "refresh-secret-of-a-test-32-bytes",
	}
	maps.Copy(environment, changes)
	c, err := config.Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func durable(t *testing.T) string {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data"), Fsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.CreateDatabase(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: server.URL("people"), Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := server.AddServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, server.URL("people"), `INSERT INTO auth.users (email, password_hash) VALUES
		('jane@example.com', '$2b$10$9bKOZzFkAEb4a8Zr3t74qeulboP8eiOSeuZBgIRMPjo39cPcOoWP2'), ('lois@example.com', '!')`)
	return server.ServingURL("people")
}

func execute(t *testing.T, at, statements string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

func TestExamine_AHealthyProjectIsGreen(t *testing.T) {
	t.Parallel()
	c, _ := settings(t, identity.Options{APIKey: key}, map[string]string{"DATABASE_URL": durable(t), "REDIS_URL": redistest.New(t)})
	report := doctor.Examine(t.Context(), c)
	var notChecked []string
	for _, f := range report.Findings {
		t.Logf("%-10s%s, %s: %s", f.Level, f.Area, f.Check, f.Found)
		switch {
		case f.Area == "" || f.Check == "" || f.Found == "":
			t.Errorf("a finding lacks words: %+v", f)
		case f.Area == "Redis" && f.Level == doctor.Unchecked: // the development stand-in tells no settings
		case f.Level == doctor.Unchecked:
			notChecked = append(notChecked, f.Check)
			if !strings.Contains(f.Found, "not checked here, because ") {
				t.Errorf("%s does not say why it is not checked: %s", f.Check, f.Found)
			}
		case f.Level != doctor.Green || f.Advice != "":
			t.Errorf("%s, %s is %s (%s; %s), expected green without advice", f.Area, f.Check, f.Level, f.Found, f.Advice)
		}
	}
	if got := strings.Join(notChecked, ", "); got != "AUTH_ENV, permissions, custom tokens, App Check" {
		t.Errorf("not checked are %s", got)
	}
}

var sick = map[string]struct {
	level  doctor.Level
	advice string
}{
	"API key: key":                           {doctor.Red, "FIREBASE_API_KEY"},
	"project: e-mail enumeration protection": {doctor.Red, "Email enumeration protection on"},
	"project: accounts an e-mail":            {doctor.Red, "identity_conflict"},
	"project: password sign-in":              {doctor.Red, "Email/Password"},
	"project: sign-up permission":            {doctor.Yellow, "enable create"},
	"project: second factors":                {doctor.Red, "TOTP"},
	"project: password policy":               {doctor.Red, "do not force upgrade"},
	"project: reCAPTCHA":                     {doctor.Red, "audit or off"},
	"project: blocking functions":            {doctor.Yellow, "sign_in_blocked"},
	"project: authorised domains":            {doctor.Yellow, "add those"},
	"PostgreSQL: role":                       {doctor.Yellow, "IN ROLE auth_serving"},
	"PostgreSQL: fsync":                      {doctor.Red, "turn it on"},
	"PostgreSQL: synchronous_commit":         {doctor.Yellow, "turn it on"},
	"PostgreSQL: schema public":              {doctor.Yellow, "REVOKE CREATE"},
	"PostgreSQL: time zone":                  {doctor.Yellow, "DB_LEGACY_TIMEZONE"},
	"PostgreSQL: connections":                {doctor.Yellow, "max_connections"},
	"PostgreSQL: schema":                     {doctor.Red, "authd schema validate"},
	"project: tokens":                        {doctor.Red, "FIREBASE_PROJECT_ID"},
	"people: rows":                           {doctor.Red, "change the e-mail of all but one"},
	"people: password hashes":                {doctor.Red, "reset their passwords"},
	"people: moves":                          {doctor.Yellow, "resolve the conflict"},
	"Redis: connection":                      {doctor.Red, "REDIS_URL"},
}

func TestExamine_EachSicknessIsNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t)
	c, provider := settings(t, identity.Options{APIKey: "of another project", EnumerationAllowed: true},
		map[string]string{"DATABASE_URL": address, "REDIS_URL": "redis://127.0.0.1:1", "DB_POOL_MAX": "200"})
	provider.ShowConfig(map[string]any{
		"signIn":               map[string]any{"allowDuplicateEmails": true, "email": map[string]any{"enabled": false}},
		"client":               map[string]any{"permissions": map[string]any{"disabledUserSignup": true}},
		"mfa":                  map[string]any{"state": "MANDATORY", "providerConfigs": []any{}},
		"recaptchaConfig":      map[string]any{"emailPasswordEnforcementState": "ENFORCE"},
		"blockingFunctions":    map[string]any{"triggers": map[string]any{"beforeSignIn": map[string]any{"functionUri": "https://f"}}},
		"authorizedDomains":    []any{},
		"passwordPolicyConfig": strictPolicy(10, true),
	})
	execute(t, address, `DROP INDEX auth.idx_users_canonical_email; GRANT CREATE ON SCHEMA public TO PUBLIC;
		INSERT INTO auth.users (email, password_hash) VALUES ('jane@example.com', '$2a$04$9bKOZzFkAEb4a8Zr3t74qeulboP8eiOSeuZBgIRMPjo39cPcOoWP2'),
			('Jane@example.com ', 'd41d8cd98f00b204e9800998ecf8427e');
		INSERT INTO auth.audit_events (action, actor, occurred_at) VALUES ('tokens.fitting', 'system', now() - interval '1 hour'), ('tokens.foreign', 'system', now());
		INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at, failed_at, failure) SELECT id, 'x', now(), now(), 'identity_conflict' FROM auth.users LIMIT 1;
		DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Jakarta''', current_database()); END$$`)
	report := doctor.Examine(t.Context(), c)
	found := map[string]doctor.Finding{}
	for _, f := range report.Findings {
		t.Logf("%-10s%s, %s: %s -> %s", f.Level, f.Area, f.Check, f.Found, f.Advice)
		name := f.Area + ": " + f.Check
		if before, twice := found[name]; !twice || before.Level != doctor.Red {
			found[name] = f
		}
		for _, person := range []string{"jane", "Jane", "d41d8cd9", "$2a$04$9bKO"} {
			if strings.Contains(f.Found+f.Advice, person) {
				t.Errorf("O1: %s shows %q", name, person)
			}
		}
		if (f.Level == doctor.Red || f.Level == doctor.Yellow) && f.Advice == "" {
			t.Errorf("%s is %s and says not what to do", name, f.Level)
		}
		if _, expected := sick[name]; !expected && f.Level == doctor.Red {
			t.Errorf("%s is red: %s", name, f.Found)
		}
	}
	for name, want := range sick {
		if f := found[name]; f.Level != want.level || !strings.Contains(f.Advice, want.advice) {
			t.Errorf("%s is %q (%s; %s), expected %s with advice that says %q", name, f.Level, f.Found, f.Advice, want.level, want.advice)
		}
	}
}

func strictPolicy(least int, atSignIn bool) map[string]any {
	return map[string]any{
		"passwordPolicyEnforcementState": "ENFORCE", "forceUpgradeOnSignin": atSignIn,
		"passwordPolicyVersions": []any{map[string]any{"customStrengthOptions": map[string]any{"minPasswordLength": least}}},
	}
}

func TestExamine_AWrongClockIsRed_T2(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{-time.Hour, time.Hour} {
		c, _ := settings(t, identity.Options{Clock: func() time.Time { return time.Now().Add(offset) }},
			map[string]string{"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1"})
		levels := map[string]doctor.Finding{}
		for _, f := range doctor.Examine(t.Context(), c).Findings {
			levels[f.Area+": "+f.Check] = f
		}
		if f := levels["clocks: Google"]; f.Level != doctor.Red || !strings.HasPrefix(f.Found, "1h0m0") && !strings.HasPrefix(f.Found, "59m59") || !strings.Contains(f.Advice, "NTP") {
			t.Errorf("T2: a clock %s off is %+v, expected red", offset, f)
		}
		for _, away := range []string{"PostgreSQL: connection", "Redis: connection"} {
			if f := levels[away]; f.Level != doctor.Red || f.Advice == "" {
				t.Errorf("%s is %+v, expected red: it is away", away, f)
			}
		}
	}
}

func TestExamine_ThePasswordPolicy_A6(t *testing.T) {
	t.Parallel()
	c, provider := settings(t, identity.Options{}, map[string]string{
		"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1",
	})
	for name, test := range map[string]struct {
		policy map[string]any
		want   doctor.Level
	}{
		"as here":              {strictPolicy(8, true), doctor.Green},
		"weaker":               {strictPolicy(6, false), doctor.Green},
		"stricter":             {strictPolicy(12, false), doctor.Yellow},
		"stricter at sign-in":  {strictPolicy(12, true), doctor.Red},
		"stricter, only noted": {map[string]any{"passwordPolicyEnforcementState": "OFF"}, doctor.Green},
	} {
		provider.ShowConfig(map[string]any{"passwordPolicyConfig": test.policy})
		for _, f := range doctor.Examine(t.Context(), c).Findings {
			if f.Check == "password policy" && f.Level != test.want {
				t.Errorf("A6: a policy that is %s is %s (%s), expected %s", name, f.Level, f.Found, test.want)
			}
		}
	}
}
