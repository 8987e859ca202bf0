package identity_test

import (
	"fmt"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
)

func (s served) export(query string) answer {
	s.t.Helper()
	return s.do("GET", "projects/"+project+"/accounts:batchGet?"+query, nil, "Bearer owner").ok()
}

func (a answer) users() []object {
	list, _ := a.body["users"].([]any)
	var users []object
	for _, entry := range list {
		user, _ := entry.(object)
		users = append(users, user)
	}
	return users
}

func (a answer) uids() string {
	var ids []string
	for _, user := range a.users() {
		ids = append(ids, fmt.Sprint(user["localId"]))
	}
	return strings.Join(ids, " ")
}

func TestExport_PagesSurviveInsertsAndDeletes(t *testing.T) {
	s := serve(t, identity.Options{})
	put := func(uids ...string) {
		for _, uid := range uids {
			if _, err := s.PutUser(identity.User{UID: uid}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("g", "a", "c", "e")
	first := s.export("maxResults=2")
	equal(t, "first page", first.uids(), "a c")
	put("b", "d", "h")
	s.DeleteUser("c")
	s.DeleteUser("e")
	second := s.export("maxResults=2&nextPageToken=" + first.text("nextPageToken"))
	equal(t, "second page", second.uids(), "d g")
	third := s.export("maxResults=2&nextPageToken=" + second.text("nextPageToken"))
	equal(t, "third page", third.uids(), "h")
	equal(t, "the end", third.body["nextPageToken"], any(nil))
}
