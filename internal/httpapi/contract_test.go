package httpapi

import (
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/fault"
)

func testContract(t *testing.T) *openapi3.T {
	t.Helper()
	contract, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

func TestContract_PublicOperationsArePinned(t *testing.T) {
	t.Parallel()
	public := []string{
		"confirmEmail", "forgotPassword", "getContract", "getDocs", "getHealth", "getLiveness", "getReadiness", "getSchemaHealth",
		"legacyLogin", "legacyRefresh", "legacyRegister", "legacyVerifyToken", "login", "loginMfa", "refresh", "register",
		"resetPassword", "verifyToken",
	}
	contract := testContract(t)
	if len(contract.Security) != 1 || contract.Security[0]["bearer"] == nil {
		t.Fatalf("the contract's own security is %v, expected bearer", contract.Security)
	}
	var found []string
	for path, item := range contract.Paths.Map() {
		for method, o := range item.Operations() {
			switch {
			case o.OperationID == "":
				t.Errorf("%s %s has no operationId", method, path)
			case o.Security == nil:
			case len(*o.Security) == 0:
				found = append(found, o.OperationID)
			case !reflect.DeepEqual(*o.Security, bearerOrKey):
				t.Errorf("%s may be called with %v, which nobody checks", o.OperationID, *o.Security)
			}
		}
	}
	sort.Strings(found)
	if !slices.Equal(found, public) {
		t.Errorf("anyone may call %v, expected %v", found, public)
	}
}

var bearerOrKey = openapi3.SecurityRequirements{{"bearer": {}}, {"apiKey": {}}}

func TestContract_KeysOpenWhatAdminsMayDo(t *testing.T) {
	t.Parallel()
	for _, item := range testContract(t).Paths.Map() {
		for _, o := range item.Operations() {
			keys, admin := o.Security != nil && reflect.DeepEqual(*o.Security, bearerOrKey), o.Extensions["x-role"] == "admin"
			if keys != admin {
				t.Errorf("%s: apiKey is a way in: %t, x-role: admin: %t; expected both or neither", o.OperationID, keys, admin)
			}
			if scope, marked := o.Extensions["x-scope"]; marked && !admin {
				t.Errorf("%s has the x-scope %v, expected it beside x-role: admin alone", o.OperationID, scope)
			}
		}
	}
}

func TestContract_SecretFieldsArePinned(t *testing.T) {
	t.Parallel()
	names, err := SecretFields()
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(names)
	if want := []string{
		"accessToken", "code", "currentPassword", "idToken", "newPassword", "password", "pendingCredential", "refreshToken", "token",
	}; !slices.Equal(names, want) {
		t.Errorf("the secret fields are %v, expected %v", names, want)
	}
	contract := testContract(t)
	for schema, ref := range contract.Components.Schemas {
		walkProperties(schema, ref.Value, func(path, name string, property *openapi3.Schema) {
			marked := property.Extensions["x-secret"] == true
			if marked && !slices.Contains(names, name) {
				t.Errorf("%s is marked x-secret and not redacted", path)
			}
			lower := strings.ToLower(name)
			sounds := strings.Contains(lower, "password") || strings.HasSuffix(lower, "token") || strings.Contains(lower, "secret")
			if sounds && property.Type.Is("string") && !marked {
				t.Errorf("%s sounds like a secret and is not marked x-secret", path)
			}
		})
	}
}

func walkProperties(path string, schema *openapi3.Schema, visit func(path, name string, property *openapi3.Schema)) {
	for name, ref := range schema.Properties {
		visit(path+"."+name, name, ref.Value)
		if ref.Ref == "" {
			walkProperties(path+"."+name, ref.Value, visit)
		}
	}
	if schema.Items != nil && schema.Items.Ref == "" {
		walkProperties(path+"[]", schema.Items.Value, visit)
	}
}

func TestContract_CodesAndStatuses(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	var inContract []string
	for _, code := range contract.Components.Schemas["ErrorCode"].Value.Enum {
		inContract = append(inContract, code.(string))
	}
	var ours []string
	for code, number := range status {
		ours = append(ours, string(code))
		if http.StatusText(number) == "" || number < 400 {
			t.Errorf("%s leaves as %d, expected an error's status", code, number)
		}
		if !api.ErrorCode(code).Valid() {
			t.Errorf("%s is not in the contract", code)
		}
	}
	sort.Strings(inContract)
	sort.Strings(ours)
	if !slices.Equal(inContract, ours) {
		t.Errorf("the contract has the codes %v, we have %v", inContract, ours)
	}
}

func TestContract_StatusesAreDeclared(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	for _, item := range contract.Paths.Map() {
		for _, o := range item.Operations() {
			var want []string
			if o.Security == nil || len(*o.Security) > 0 {
				want = append(want, "401", "403", "500", "503")
			}
			if o.RequestBody != nil {
				want = append(want, "400", "413", "415", "500", "503")
			}
			if o.Extensions["x-rate-limit"] != nil {
				want = append(want, "429")
			}
			for _, status := range want {
				if o.Responses.Value(status) == nil {
					t.Errorf("%s does not declare %s", o.OperationID, status)
				}
			}
			if o.Responses.Default() != nil {
				t.Errorf("%s has a default response, which allows anything", o.OperationID)
			}
		}
	}
}

func TestContract_IsDescribed(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	ops := testOperations(t, contract)
	for schema, ref := range contract.Components.Schemas {
		walkProperties(schema, ref.Value, func(path, _ string, property *openapi3.Schema) {
			if property.Description == "" {
				t.Errorf("the property %s has no description", path)
			}
		})
	}
	for name, header := range contract.Components.Headers {
		if header.Value.Description == "" {
			t.Errorf("the header %s has no description", name)
		}
	}
	for path, item := range contract.Paths.Map() {
		for method, o := range item.Operations() {
			for _, parameter := range slices.Concat(item.Parameters, o.Parameters) {
				if parameter.Value.Description == "" {
					t.Errorf("the parameter %s of %s %s has no description", parameter.Value.Name, method, path)
				}
			}
			for declared, response := range o.Responses.Map() {
				checkRefusal(t, ops[method+" "+path], declared, response.Value)
			}
		}
	}
}

func checkRefusal(t *testing.T, op operation, declared string, response *openapi3.Response) {
	t.Helper()
	if declared < "400" {
		return
	}
	if declared == "401" && response.Headers["Www-Authenticate"] == nil {
		t.Errorf("%s %s does not declare Www-Authenticate", op.id, declared)
	}
	if (declared == "429" || declared == "503") && response.Headers["Retry-After"] == nil {
		t.Errorf("%s %s does not declare Retry-After", op.id, declared)
	}
	if response.Headers["X-Request-Id"] == nil {
		t.Errorf("%s %s does not declare X-Request-Id", op.id, declared)
	}
	for _, media := range response.Content {
		if len(media.Examples) == 0 {
			t.Errorf("%s %s shows no example", op.id, declared)
		}
		for name, example := range media.Examples {
			code := example.Value.Value.(map[string]any)["code"]
			leaves := status[fault.Code(name)]
			if understood, ok := op.proxyStatuses[leaves]; ok {
				leaves = understood
			}
			if code != name || strconv.Itoa(leaves) != declared {
				t.Errorf("%s %s: the example %s has the code %v, which leaves as %d", op.id, declared, name, code, leaves)
			}
		}
	}
}

func TestOperations_AreKnownByTheContractsNames(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	AddAliases(contract)
	ops := testOperations(t, contract)
	for key, want := range map[string]operation{
		"POST /v1/auth/register":     {id: "register", limited: true, body: true, timeout: defaultTimeout},
		"POST /v1/auth/login":        {id: "login", limited: true, body: true, timeout: defaultTimeout},
		"POST /v1/auth/refresh":      {id: "refresh", limited: true, body: true, timeout: defaultTimeout},
		"POST /v1/auth/logout":       {id: "logout", timeout: defaultTimeout},
		"POST /v1/auth/verify-token": {id: "verifyToken", body: true, timeout: hotTimeout},
		"GET /v1/auth/forward":       {id: "forward", proxyStatuses: proxyStatuses, timeout: hotTimeout},
		"DELETE /v1/auth/me":         {id: "deleteMe", body: true, timeout: defaultTimeout},
		"GET /health/ready":          {id: "getReadiness", timeout: defaultTimeout},
		"POST /auth/verify-token": {
			id: "legacyVerifyToken", body: true, legacy: true, members: []string{"token", "userId"}, timeout: hotTimeout,
		},
		"POST /api/v1/auth/refresh": {
			id: "legacyRefresh", limited: true, body: true, legacy: true, members: []string{"refreshToken"}, timeout: defaultTimeout,
		},
	} {
		if got := ops[key]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v, expected %+v", key, got, want)
		}
	}
}
