package httpapi

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	defaultTimeout = 8 * time.Second
	hotTimeout     = 1700 * time.Millisecond // O3
)

var proxyStatuses = map[int]int{400: 401, 409: 403, 422: 403}

func testOperations(t *testing.T, contract *openapi3.T) operations {
	t.Helper()
	ops, err := operationsOf(contract)
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

// extended is read as the authored contract is.
func extended(t *testing.T, root, operation string) *openapi3.T {
	t.Helper()
	contract, err := openapi3.NewLoader().LoadFromData([]byte(root + "\npaths:\n  /x:\n    get:\n      operationId: ask\n      " +
		operation + "\n      responses: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

func TestExtensions_AreRead(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]operation{
		"":                                     {timeout: 3 * time.Second},
		"x-timeout: 1700ms":                    {timeout: hotTimeout},
		"x-timeout: 3s":                        {timeout: 3 * time.Second},
		`x-proxy-statuses: { "400": 401 }`:     {timeout: 3 * time.Second, proxyStatuses: map[int]int{400: 401}},
		"x-proxy-statuses: { 400: 401 }":       {timeout: 3 * time.Second, proxyStatuses: map[int]int{400: 401}},
		"x-rate-limit: credentials":            {timeout: 3 * time.Second, limited: true},
		"x-bearer: claims":                     {timeout: 3 * time.Second, claimsOnly: true},
		"x-role: admin\n      x-scope: events": {timeout: 3 * time.Second, admin: true, scope: "events"},
	} {
		want.id = "ask"
		if got := testOperations(t, extended(t, "x-timeout: 3s", words))["GET /x"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, expected %+v", words, got, want)
		}
	}
}

func TestExtensions_UnknownOrMalformedIsRefused(t *testing.T) {
	t.Parallel()
	refused := func(root, operation, name string) {
		t.Helper()
		if ops, err := operationsOf(extended(t, root, operation)); err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%q, %q is %+v (%v), expected a refusal that names %s", root, operation, ops, err, name)
		}
	}
	for name, values := range map[string][]string{
		"x-timeout": {"8", "2", "soon", "0s", "-1s", "{}", "true", "", "9s"},
		"x-proxy-statuses": {
			"", "{}", "401", "[400]", "{ x: 401 }", "{ 200: 401 }", "{ 499: 401 }", "{ 400: 402 }", `{ 400: "401" }`, "{ 400: 401.5 }",
			"{ 400: 401, 409: 200 }",
		},
		"x-rate-limit": {"credential", "true", ""},
		"x-role":       {"user", "[admin]", ""},
		"x-bearer":     {"claim", "true", ""},
		"x-scope":      {"admin", "balances", "true", ""},
		"x-timeouts":   {"1s"},
		"x-secret":     {"true"},
	} {
		for _, value := range values {
			refused("x-timeout: 8s", name+": "+value, name)
		}
	}
	refused("x-timeout: 8", "", "x-timeout")
	refused("openapi: 3.0.3", "", "x-timeout")
	refused("x-timeout: 8s\nx-role: admin", "", "x-role")
}
