package e2e

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

func TestFirstSight_EMailIsCanonical(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	long := strings.Repeat("a", 64) + "@" + strings.Repeat("b", 255-65-4) + ".com"
	for _, c := range []struct{ name, email, stored string }{
		{"upper case", "Jane.Upper@Example.COM", "jane.upper@example.com"},
		{"surrounding white space", " \t\r\n\f\vjane.blank@example.com \n", "jane.blank@example.com"},
		{"a plus and a dot stay", "Jane.P+tag@example.com", "jane.p+tag@example.com"},
		{"255 characters", long, long},
		{"256 characters", "a" + long, ""},
		{"the Kelvin sign", "\u212Aelvin@example.com", ""},
		{"an umlaut", "jäne@example.com", ""},
		{"a domain beyond ASCII", "jane@exämple.com", ""},
		{"a full-width letter", "ｊane@example.com", ""},
		{"a no-break space before it", "\u00a0jane@example.com", ""},
		{"a zero-width space", "jane\u200b@example.com", ""},
		{"a dotless i", "jane@example.\u0131o", ""},
		{"our own placeholder", "7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d@users.noreply.invalid", ""},
		{"our own placeholder, upper case", "x@USERS.NOREPLY.INVALID", ""},
		{"no address", "jane", ""},
		{"two at signs", "jane@x@example.com", ""},
		{"a name beside it", "Jane <jane@example.com>", ""},
		{"two addresses", "jane@example.com, joe@example.com", ""},
		{"quoted", `"jane doe"@example.com`, ""},
		{"a blank inside", "jane doe@example.com", ""},
		{"a line break inside", "jane@example.com\r\nBcc: x@example.com", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			uid := newUID()
			token := mint(t, s.Stack, claims(uid, c.email))
			if c.stored == "" {
				expectRefusal(t, s, "F2", token, http.StatusUnprocessableEntity, "unsupported_identity")
				if n := count(t, s.Stack, "auth.users WHERE firebase_uid = $1", uid); n != 0 {
					t.Errorf("F2: a refused address has made %d rows", n)
				}
				return
			}
			user := expectUser(t, s, "F2", token)
			if user.Email == nil || *user.Email != c.stored {
				t.Errorf("F2: answered %v, expected %s", user.Email, c.stored)
			}
			if r := rowOf(t, s.Stack, "firebase_uid = $1", uid); r.Email != c.stored {
				t.Errorf("F2: stored %q, expected %q", r.Email, c.stored)
			}
		})
	}
}

func TestFirstSight_EMailMeetsOldSpellings(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, stored := range []string{"Old.Case@Example.com", " old.blank@example.com ", "\told.tab@example.com\v"} {
		id := legacyRow(t, s.Stack, stored)
		user := expectUser(t, s, stored, mint(t, s.Stack, claims(newUID(), strings.ToLower(strings.TrimSpace(stored)))))
		if user.ID != id {
			t.Errorf("F2: %q was not found by its canonical form: a new row %s", stored, user.ID)
		}
	}
}

// F2: a known uid is admitted with any address in the token.
func TestFirstSight_KnownUIDNeedsNoAddress(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	uid, email := newUID(), servicetest.Email()
	first := expectUser(t, s, "first sight", mint(t, s.Stack, claims(uid, email)))
	for name, other := range map[string]string{"another": servicetest.Email(), "beyond ASCII": "jäne@example.com", "none": ""} {
		user := expectUser(t, s, name, mint(t, s.Stack, claims(uid, other, map[string]any{"firebase": nil})))
		if user.ID != first.ID || user.Email == nil || *user.Email != email {
			t.Errorf("S1: with %s address in the token answered %v %v, expected the row's own %s", name, user.ID, user.Email, email)
		}
	}
}
