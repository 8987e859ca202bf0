package e2e

import (
	"net/url"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// After percent-decoding, services read the row's exact bytes.
func TestProxies_NamesArriveWhole(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	type person struct{ name, kind, token string }
	var people []person
	for _, name := range []string{
		" Jane ", "  two  blanks  ", "Doe, Jane", `"quoted" \`, "{env.HOME} {http.request.host}", "${user_id} $user_id", "%20 100%", "%[src]", "Jos\u00e9 \u674e",
		"a;b=c", "\u00a0x\u3000",
	} {
		p := person{name: name, kind: " editor, 100% "}
		uid, email := newUID(), servicetest.Email()
		legacyRow(t, s.Stack, email, map[string]any{
			"firebase_uid": uid, "auth_provider": "firebase", "password_hash": nil, "username": p.name, "user_type": p.kind,
		})
		p.token = mint(t, s.Stack, claims(uid, email))
		people = append(people, p)
	}
	eachDoor(t, s, func(t *testing.T, d *door) {
		for _, p := range people {
			got := d.passed(t, p.name, request("GET", "/private", bearer(p.token)), saidOf(t, s, p.token))
			for header, want := range map[string]string{"X-User-Username": p.name, "X-User-Type": p.kind} {
				if text, err := url.PathUnescape(got.header.Get(header)); err != nil || text != want {
					t.Errorf("%s of %q arrives as %q (%v)", header, want, got.header.Get(header), err)
				}
			}
		}
	})
}
