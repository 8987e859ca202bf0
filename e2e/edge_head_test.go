package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/testkit/servicetest"
)

func contractGets(t *testing.T) (paths []string) {
	t.Helper()
	spec, err := api.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range spec.Paths.Map() {
		if item.Get != nil {
			paths = append(paths, strings.ReplaceAll(path, "{id}", strings.TrimPrefix(nobodyPath, "/v1/admin/users/")))
		}
	}
	slices.Sort(paths)
	return paths
}

// RFC 9110 section 9.3.2
func TestHead_WhereverGetIs(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	admin, legacy := newAdmin(t, s.Stack), servicetest.Email()
	localUser(t, s.Stack, legacy, servicetest.Password)
	gets := contractGets(t)
	if len(gets) < 15 {
		t.Fatalf("the contract has GET at %v alone", gets)
	}
	for _, bearer := range []string{"Bearer " + admin.token, "Bearer not.a.token", "Bearer " + legacyLogin(t, s, legacy, servicetest.Password).AccessToken} {
		for _, path := range gets {
			get := ask(t, s, "GET", path, "", "Authorization", bearer)
			head := ask(t, s, "HEAD", path, "", "Authorization", bearer)
			if head.status != get.status || len(head.body) != 0 {
				t.Errorf("HEAD %s answered %d with %d bytes, expected GET's %d and no body", path, head.status, len(head.body), get.status)
			}
			for _, header := range []http.Header{get.header, head.header} {
				for _, varying := range []string{"Date", "X-Request-Id", "Content-Length"} {
					header.Del(varying)
				}
			}
			if !maps.EqualFunc(head.header, get.header, slices.Equal) {
				t.Errorf("HEAD %s has the headers\n%v\nexpected GET's\n%v", path, head.header, get.header)
			}
		}
	}
	ask(t, s, "HEAD", "/v1/nothing", "").expect(t, "HEAD where nothing is", 404, "")
	ask(t, s, "HEAD", "/health", "a body", "Content-Type", "text/plain").expect(t, "HEAD with a body", 200, "")
	if line := `"http.request.method":"HEAD","http.route":"/health"`; !strings.Contains(s.Log.String(), line) {
		t.Errorf("the access log has no %s", line)
	}
}
