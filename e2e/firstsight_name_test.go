package e2e

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestFirstSight_UsernameComesFromAnyDisplayName(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, c := range []struct {
		name  string
		given any
		want  string // "": none
	}{
		{"plain", "Plain Name", "Plain Name"},
		{"absent", nil, ""},
		{"empty", "", ""},
		{"NUL inside", "Nul\u0000 Name", "Nul Name"},
		{"only NUL", "\u0000", ""},
		{"only spaces", " \t\n\u00a0\u3000 ", ""},
		{"only control characters", "\u0001\u007f\u0085", ""},
		{"300 characters", strings.Repeat("n", 300), strings.Repeat("n", 100)},
		{"300 characters of four bytes", strings.Repeat("🙂", 300), strings.Repeat("🙂", 100)},
		{"100 characters", strings.Repeat("m", 100), strings.Repeat("m", 100)},
		{"a space at the cut", strings.Repeat("o", 99) + " tail", strings.Repeat("o", 99)},
		{"control characters inside", "Con\u0007tr\nol\u001b", "Control"},
		{"bidirectional overrides", "\u202eBidi\u202c\u2066\u2069 Name", "Bidi Name"},
		{"invisible characters", "In\u200bvis\u200dible\ufeff", "Invisible"},
		{"decomposed", "Jose\u0301", "Jos\u00e9"},
		{"line separators", "Two\u2028Li\u2029nes", "TwoLines"},
		{"private use", "Pri\ue000vate", "Private"},
		{"markup stays as text", `<b>"Bobby"; DROP TABLE users;--</b>`, `<b>"Bobby"; DROP TABLE users;--</b>`},
		{"spaces around", "  Around  ", "Around"},
		{"Persian with a joiner", "\u0645\u06cc\u200c\u0634\u0648\u062f", "\u0645\u06cc\u200c\u0634\u0648\u062f"},
		{"Hindi with a joiner", "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"},
		{"a family of emoji", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"},
		{"only Hangul fillers", "\u3164\u3164", ""},
		{"only variation selectors", "\ufe0f\U000e0100", ""},
		{"only the empty Braille pattern", "\u2800", ""},
		{"an object", map[string]any{"first": "Jane", "last": "Doe"}, ""},
		{"a list", []any{"Jane", "Doe"}, ""},
		{"a number", 7.5, ""},
		{"a boolean", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			user := expectUser(t, s, "F4", mint(t, s.Stack, claims(newUID(), servicetest.Email(), map[string]any{"name": c.given})))
			got := ""
			if user.Username != nil {
				got = *user.Username
			}
			if got != c.want || user.Username != nil && c.want == "" {
				t.Errorf("F4: %q became %q, expected %q", c.given, got, c.want)
			}
		})
	}
}

// F4: a visible joiner makes another name.
func TestUsername_InvisibleDifferencesAreNone(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	owner, other := s.Person(t).IDToken, s.Person(t).IDToken
	rename := func(token, name string) reply {
		return askAs(t, s, http.MethodPatch, "/v1/auth/me", jsonOf(t, map[string]string{"username": name}), token)
	}
	for _, taken := range []string{"Jane Visible", "I \u2764 you", "\u0645\u06cc\u0634\u0648\u062f"} {
		rename(owner, taken).expect(t, taken, 200, "")
		rename(other, taken).expect(t, "the same again", 409, "username_taken")
		for _, hidden := range []string{"\ufe0f", "\u200d", "\u200b", "\u3164", "\u034f", "\u2800", "\u00ad", "\U000e0061"} {
			if r := rename(other, taken+hidden); r.status != 400 && r.status != 409 {
				t.Errorf("%+q is a name beside %+q: %d %s", taken+hidden, taken, r.status, r.body)
			}
		}
		rename(owner, "Somebody "+newUID()).expect(t, "free again", 200, "")
	}
	rename(owner, "I \u2764\ufe0f you").expect(t, "an emoji as keyboards write it", 200, "")
	rename(other, "I \u2764 you").expect(t, "the same emoji without its selector", 409, "username_taken")
	rename(owner, "\u0645\u06cc\u200c\u0634\u0648\u062f").expect(t, "Persian with ZWNJ", 200, "")
	if got := me(t, s, owner).Username; got == nil || *got != "\u0645\u06cc\u200c\u0634\u0648\u062f" {
		t.Errorf("the name is kept as %v", got)
	}
	rename(other, "\u0645\u06cc\u0634\u0648\u062f").expect(t, "without it, another word", 200, "")
	for _, nothing := range []string{"\u3164", "\u2800", "\ufe0f", "\u200d", "\u115f\u1160", "\u00ad", "\u3000", "\U0001d159", "\U00013441", "\U00016fe4"} {
		rename(other, nothing).expect(t, "nothing to see", 400, "invalid_request")
	}
}

func TestFirstSight_TakenUsernameGetsASuffix(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, name := range []string{"Taken", strings.Repeat("t", 100), strings.Repeat("é", 120), strings.Repeat("s", 93) + " x"} {
		given := map[string]any{"name": name}
		first := expectUser(t, s, "the owner", mint(t, s.Stack, claims(newUID(), servicetest.Email(), given)))
		second := expectUser(t, s, "the namesake", mint(t, s.Stack, claims(newUID(), servicetest.Email(), given)))
		if second.Username == nil || *second.Username == *first.Username || utf8.RuneCountInString(*second.Username) > 100 {
			t.Errorf("F4: the namesake of %q is called %v", *first.Username, second.Username)
			continue
		}
		stem, _, _ := strings.Cut(*second.Username, "-")
		if !strings.HasPrefix(*first.Username, stem) || len(stem) == 0 {
			t.Errorf("F4: the namesake of %q is called %q, which does not begin so", *first.Username, *second.Username)
		}
	}
}

// F4, S1: a later change at Firebase renames no user.
func TestFirstSight_UsernameIsTakenOverOnce(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	uid, email := newUID(), servicetest.Email()
	expectUser(t, s, "first", mint(t, s.Stack, claims(uid, email, map[string]any{"name": "First Name"})))
	user := expectUser(t, s, "second", mint(t, s.Stack, claims(uid, email, map[string]any{"name": "Second Name"})))
	if user.Username == nil || *user.Username != "First Name" {
		t.Errorf("F4: the username is %v after a change at Firebase, expected First Name", user.Username)
	}
}

func TestFirstSight_WithoutEMail(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	phone := s.Token(t, identity.User{Phone: "+6281234567890", DisplayName: "Phone Person"}, "phone")
	federated := mint(t, s.Stack, claims(newUID(), "", map[string]any{"firebase": signedInWith("twitter.com")}))
	for name, token := range map[string]string{"phone": phone, "an identity without an address": federated} {
		user := expectUser(t, s, name, token)
		if user.Email != nil {
			t.Errorf("F5, %s: verify-token shows %s", name, *user.Email)
		}
		if profile := me(t, s, token); profile.Email != nil {
			t.Errorf("F5, %s: me shows %s", name, *profile.Email)
		}
		forwarded := askAs(t, s, http.MethodGet, "/v1/auth/forward", "", token)
		forwarded.expect(t, "F5, "+name+": forward", http.StatusOK, "")
		if shown, present := forwarded.header["X-User-Email"]; !present || shown[0] != "" {
			t.Errorf("F5, %s: forward shows %q, expected an empty header", name, shown)
		}
		if r := rowOf(t, s.Stack, "id = $1", user.ID); r.Email != user.ID.String()+"@users.noreply.invalid" {
			t.Errorf("F5, %s: the row holds %s", name, r.Email)
		}
	}
}

func TestFirstSight_AnonymousIsRefusedAndNotCached(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	anonymous := s.Token(t, identity.User{UID: "anonymous-0000000000001"}, "anonymous")
	for range 3 {
		expectRefusal(t, s, "F5", anonymous, http.StatusUnprocessableEntity, "unsupported_identity")
	}
	if n := count(t, s.Stack, "auth.users"); n != 0 {
		t.Errorf("F5: an anonymous person has %d rows", n)
	}
	email := servicetest.Email()
	linked := s.Token(t, identity.User{UID: "anonymous-0000000000001", Email: email}, "password")
	user := expectUser(t, s, "F5, with an e-mail linked", linked)
	if user.Email == nil || *user.Email != email {
		t.Errorf("F5: answered %v, expected %s", user.Email, email)
	}
	if again := expectUser(t, s, "F5, the old token of what is a person by now", anonymous); again.ID != user.ID {
		t.Errorf("F5: answered row %s, expected %s", again.ID, user.ID)
	}
	custom := mint(t, s.Stack, claims(newUID(), "", map[string]any{"firebase": map[string]any{"sign_in_provider": "custom"}}))
	expectRefusal(t, s, "F5, custom without any identity", custom, http.StatusUnprocessableEntity, "unsupported_identity")
}

// F6 (20 to 128 characters) and T2 (128 at most): only a longer uid makes the token invalid.
func TestFirstSight_UIDLengths(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	refuse := func(uid string, status int, code string) {
		t.Helper()
		expectRefusal(t, s, "F6: "+uid, mint(t, s.Stack, claims(uid, servicetest.Email())), status, code)
	}
	refuse("u", http.StatusUnprocessableEntity, "unsupported_identity")
	refuse(strings.Repeat("u", 19), http.StatusUnprocessableEntity, "unsupported_identity")
	refuse(strings.Repeat("é", 19), http.StatusUnprocessableEntity, "unsupported_identity")
	refuse(strings.Repeat("u", 129), http.StatusUnauthorized, "token_invalid")
	for _, uid := range []string{strings.Repeat("u", 20), strings.Repeat("é", 20), strings.Repeat("v", 128), strings.Repeat("ü", 128)} {
		user := expectUser(t, s, "F6", mint(t, s.Stack, claims(uid, servicetest.Email())))
		if user.FirebaseUID == nil || *user.FirebaseUID != uid {
			t.Errorf("F6: answered uid %v, expected %s", user.FirebaseUID, uid)
		}
	}
	if n := count(t, s.Stack, "auth.users"); n != 4 {
		t.Errorf("F6: %d rows, expected 4", n)
	}
}
