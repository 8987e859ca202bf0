package httpapi

import (
	"errors"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

func TestAuthState_MayOperate_T8(t *testing.T) {
	t.Parallel()
	marked := func(scope string) operation {
		o := &openapi3.Operation{OperationID: "operate", Security: &bearerOrKey, Extensions: map[string]any{"x-role": "admin"}}
		if scope != "" {
			o.Extensions["x-scope"] = scope
		}
		paths := openapi3.NewPaths(openapi3.WithPath("/operate", &openapi3.PathItem{Get: o}))
		contract := &openapi3.T{Paths: paths, Extensions: map[string]any{"x-timeout": "8s"}}
		return testOperations(t, contract)["GET /operate"]
	}
	person := func(kind token.Kind, userType string) principal.Principal {
		return principal.Principal{Claims: token.Claims{Kind: kind}, User: user.User{Type: userType}}
	}
	carriedOver := person(token.KindFirebase, user.TypeAdmin)
	carriedOver.Claims.SessionID = uuid.New()
	for _, c := range []struct {
		who       string
		caller    principal.Caller
		operation string
		want      bool
	}{
		{"an admin at Firebase", person(token.KindFirebase, user.TypeAdmin), "", true},
		{"an admin at Firebase", person(token.KindFirebase, user.TypeAdmin), "balance", true},
		{"an admin by a legacy token", person(token.KindLegacy, user.TypeAdmin), "", false},
		{"an admin by a legacy token", person(token.KindLegacy, user.TypeAdmin), "balance", false},
		{"an admin by what a legacy session became", carriedOver, "", false},
		{"a user", person(token.KindFirebase, "user"), "balance", false},
		{"an admin's key", apikey.Key{Scope: apikey.Admin}, "", true},
		{"an admin's key", apikey.Key{Scope: apikey.Admin}, "balance", true},
		{"a key for balances", apikey.Key{Scope: apikey.Balance}, "balance", true},
		{"a key for balances", apikey.Key{Scope: apikey.Balance}, "", false},
		{"a key for events", apikey.Key{Scope: apikey.Events}, "balance", false},
	} {
		err := (&authState{caller: c.caller}).mayOperate(marked(c.operation))
		if got := err == nil; got != c.want || !got && !errors.Is(err, errForbidden) {
			t.Errorf("%s at an operation of scope %q: %v, expected allowed: %t", c.who, c.operation, err, c.want)
		}
	}
}
