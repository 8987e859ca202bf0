package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

type object = map[string]any

type field struct {
	path    string
	idToken map[string]string
	refresh map[string]string
	mail    map[string]string // codes by kind
	pending string
	session string
	totp    map[string]string // codes by user
	factor  string
}

var fieldTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fieldOptions are deterministic.
func fieldOptions(path string) Options {
	return Options{
		ProjectID: "demo-fields", SnapshotPath: path, SnapshotDelay: time.Hour, KeyCount: 1, ScryptMemoryCost: 1,
		Clock: func() time.Time { return fieldTime }, Rand: rand.NewChaCha8([32]byte{1}),
	}
}

func newField(t *testing.T) *field {
	t.Helper()
	f := &field{
		path: filepath.Join(t.TempDir(), "snapshot.json"), idToken: map[string]string{}, refresh: map[string]string{},
		mail: map[string]string{}, totp: map[string]string{},
	}
	p, err := New(fieldOptions(f.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []User{
		{UID: "jane", Email: "jane@example.com", EmailVerified: true, Password: "secret-1", Phone: "+15555550100", DisplayName: "Zoe", PhotoURL: "http://localhost/j.png"},
		{UID: "bob", Email: "bob@example.com", EmailVerified: true, Password: "secret-1", DisplayName: "Abe", CustomClaims: object{"a": "b"}},
		{UID: "carol", Email: "carol@example.com", EmailVerified: true, Password: "secret-1"},
		{UID: "none"},
	} {
		session, err := p.SignIn(t.Context(), user, map[bool]string{true: ProviderPassword, false: ProviderAnonymous}[user.Email != ""])
		if err != nil {
			t.Fatal(err)
		}
		f.idToken[user.UID], f.refresh[user.UID] = session.IDToken, session.RefreshToken
	}
	p.change("jane", func(a *account) bool {
		a.InitialEmail = "first@example.com"
		a.linkProvider(provider{ProviderID: "google.com", RawID: "42"})
		return true
	})
	f.enroll(t, p)
	f.sendMails(t, p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *field) enroll(t *testing.T, p *Provider) {
	t.Helper()
	id, secret, err := p.EnrollTOTP("carol", "app")
	if err != nil {
		t.Fatal(err)
	}
	f.factor = id
	for user, key := range map[string]string{"carol": secret, "jane": "JBSWY3DPEHPK3PXP"} {
		if f.totp[user], err = TOTP(key, fieldTime); err != nil {
			t.Fatal(err)
		}
	}
	carol, _ := p.users.get("carol")
	pending, err := p.challenge(carol, ProviderPassword)
	if err != nil {
		t.Fatal(err)
	}
	f.pending = pending.PendingCredential
	if f.session, err = p.sealAs(sealEnrollment, enrollment{LocalID: "jane", Secret: "JBSWY3DPEHPK3PXP", Started: fieldTime}); err != nil {
		t.Fatal(err)
	}
}

func (f *field) sendMails(t *testing.T, p *Provider) {
	t.Helper()
	for _, kind := range []string{requestPasswordReset, requestVerifyEmail, requestEmailSignIn} {
		mail := p.newCode(kind, "bob@example.com", "http://localhost", "")
		p.codes[mail.Code], f.mail[kind] = mail, mail.Code
	}
}

func (f *field) provider(t *testing.T) *Provider {
	t.Helper()
	p, err := New(fieldOptions(f.path))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type outcome struct {
	status        int
	answer, state string
}

func (f *field) send(t *testing.T, operation string, body any, owner bool) outcome {
	t.Helper()
	p := f.provider(t)
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	method, path := f.address(t, p, operation, owner)
	request := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(encoded))
	if owner {
		request.Header.Set("Authorization", "Bearer owner")
	}
	recorder := httptest.NewRecorder()
	p.Handler().ServeHTTP(recorder, request)
	state, err := json.Marshal(p.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return outcome{status: recorder.Code, answer: recorder.Body.String(), state: string(state)}
}

func (f *field) address(t *testing.T, p *Provider, operation string, owner bool) (method, path string) {
	t.Helper()
	list := slices.Concat(p.clientOperations(), p.adminOperations())
	if owner {
		slices.Reverse(list)
	}
	for _, served := range list {
		if served.name == operation {
			method, path, _ = strings.Cut(served.pattern, " ")
			return method, strings.ReplaceAll(path, "{project}", p.ProjectID()) + "?key=any"
		}
	}
	t.Fatalf("%s is not served", operation)
	return "", ""
}

// probe's with holds values that must change the outcome.
type probe struct {
	path  string
	owner bool
	base  object
	with  object
}

type absent struct{}

// TestFields_DoWhatTheTableSays expects a difference from honoured fields only.
func TestFields_DoWhatTheTableSays(t *testing.T) {
	f := newField(t)
	untouched := f.untouched(t)
	probed := map[string]map[string]bool{}
	first := map[string]probe{}
	for _, probe := range f.probes() {
		if probed[probe.path] == nil {
			probed[probe.path], first[probe.path] = map[string]bool{}, probe
		}
		without := f.sendProbe(t, probe, "", nil)
		for _, name := range slices.Sorted(maps.Keys(probe.with)) {
			probed[probe.path][name] = true
			if with := f.sendProbe(t, probe, name, probe.with[name]); with == without {
				t.Errorf("%s: %s makes no difference; both are answered %d %s", probe.path, name, with.status, with.answer)
			}
		}
	}
	for path, rules := range requestFields {
		for name, rule := range rules {
			switch {
			case rule.treatment == honoured && !probed[path][name]:
				t.Errorf("%s: no probe shows that %s is honoured", path, name)
			case rule.treatment != honoured && first[path].path == "":
				t.Errorf("%s: no probe sends %s", path, name)
			case rule.treatment != honoured:
				f.checkWithout(t, first[path], name, rule, untouched)
			}
		}
	}
}

func (f *field) checkWithout(t *testing.T, base probe, name string, rule fieldRule, untouched string) {
	t.Helper()
	without := f.sendProbe(t, base, "", nil)
	if without.status != http.StatusOK {
		t.Fatalf("%s: the first probe must be in order, and is answered %d %s", base.path, without.status, without.answer)
	}
	with := f.sendProbe(t, base, name, sample(base.path, name))
	switch {
	case rule.treatment == ignored && rule.why == "":
		t.Errorf("%s: nothing says why %s is ignored", base.path, name)
	case rule.treatment == ignored && with != without:
		t.Errorf("%s: %s is to be ignored, and is answered %d %s", base.path, name, with.status, with.answer)
	case rule.row != "" && !strings.Contains(with.answer, rule.row):
		t.Errorf("%s: the row with %s is answered %s", base.path, name, with.answer)
	case rule.err != nil && (with.status != rule.err.code || !strings.Contains(with.answer, quoted(rule.err.message)) || with.state != untouched):
		t.Errorf("%s: %s is to be refused with %s, and is answered %d %s", base.path, name, rule.err.message, with.status, with.answer)
	}
}

func (f *field) untouched(t *testing.T) string {
	t.Helper()
	state, err := json.Marshal(f.provider(t).snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return string(state)
}

func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

func sample(path, name string) any {
	if kind, enumerated := enums[name]; enumerated {
		return kind.values[1]
	}
	for field := range reflect.TypeOf(googles[path]).Fields() {
		if jsonName(field) != name {
			continue
		}
		switch field.Type.Kind() {
		case reflect.Bool:
			return true
		case reflect.Int64:
			return "7"
		case reflect.Float64:
			return 7
		case reflect.Slice:
			if field.Type.Elem().Kind() == reflect.String {
				return []string{"x"}
			}
			return []object{{}}
		case reflect.Pointer:
			return object{}
		default:
			return "x"
		}
	}
	return "x"
}

func (f *field) sendProbe(t *testing.T, p probe, name string, value any) outcome {
	t.Helper()
	operation, inside, _ := strings.Cut(p.path, ".")
	body := copied(t, p.base)
	message := body
	for _, step := range strings.FieldsFunc(inside, func(r rune) bool { return r == '.' }) {
		switch inner := message[step].(type) {
		case object:
			message = inner
		case []any:
			message, _ = inner[0].(object)
		default:
			t.Fatalf("%s: the probe has no message %s", p.path, step)
		}
	}
	if _, leave := value.(absent); leave {
		delete(message, name)
	} else if name != "" {
		message[name] = value
	}
	return f.send(t, operation, body, p.owner)
}

func copied(t *testing.T, base object) object {
	t.Helper()
	encoded, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	var body object
	if err := json.Unmarshal(encoded, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func customToken(uid string) string { return fmt.Sprintf(`{"uid":%q}`, uid) }

func fromGoogle(subject string) string {
	return "providerId=google.com&id_token=" + fmt.Sprintf(`{"sub":%q}`, subject)
}
