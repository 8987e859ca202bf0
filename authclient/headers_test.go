package authclient_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"auth-v2-service/authclient"
)

// smuggled holds spellings of identity headers.
var smuggled = []string{
	"X-User-Id", "X-User-Email", "X-User-Type", "X-User-Token-Balance", "X-Auth-Kind", "X-Auth-Anything", "X-User-",
	"x-user-id", "X-USER-ID", "X_User_Id", "x_user_id", "X_USER_TYPE", "X.User.Id", "x.auth.kind", "X-User_Id", "X_User-Id", "X.User-Id", "X-Auth_Request_User",
}

var kept = []string{"X-User", "X-Auth", "X-Users-Id", "X-Username", "X-Author-Id", "Xx-User-Id", "X--User-Id", "User-Id", "Authorization", "Accept", "X"}

// G4: only the context identifies the caller.
func TestG4_IdentityHeadersAreGone(t *testing.T) {
	t.Parallel()
	s := newService(t, says(200, good))
	g := newGate(t, authclient.Options{BaseURL: s.URL, SkipPreflight: true})
	r := request(t, "Bearer "+token)
	for _, name := range append(slices.Clone(smuggled), kept...) {
		if name != "Authorization" {
			r.Header[name] = []string{"admin", "admin"} // some servers pass it so
		}
	}
	before := maps.Clone(r.Header)
	g.ask(t, r).expectPassed(t, g, "with identity headers", 1)
	if got, want := slices.Sorted(maps.Keys(g.seen.Load().Header)), slices.Sorted(slices.Values(kept)); !slices.Equal(got, want) {
		t.Errorf("the handler sees %q, expected %q", got, want)
	}
	if !maps.EqualFunc(before, r.Header, slices.Equal) {
		t.Error("the request that came in was changed")
	}

	r = preflight(t)
	r.Header["X_user_id"] = []string{"admin"}
	g.ServeHTTP(discard{}, r)
	if seen := g.seen.Load(); g.passed.Load() != 2 || seen.Method != http.MethodOptions || len(seen.Header) != 2 {
		t.Errorf("the handler sees a preflight with %v", seen.Header)
	}
}
