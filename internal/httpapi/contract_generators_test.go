package httpapi

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// generatedSuffixes are appended to operationIds by generators.
var generatedSuffixes = []string{
	"", "Request", "Response", "Params", "Body", "JSONBody", "RequestBody", "JSONRequestBody", "RequestObject", "ResponseObject", // oapi-codegen, openapi-generator
	"Req", "Res", "OK", "Created", "Accepted", "Headers", "Operation", // ogen
	"BadRequest", "Unauthorized", "Forbidden", "NotFound", "Conflict", "RequestEntityTooLarge", "UnsupportedMediaType",
	"UnprocessableEntity", "TooManyRequests", "InternalServerError", "ServiceUnavailable",
	"Data", "Error", "Errors", "Responses", "Result", "Payload", // hey-api, swagger-typescript-api
	"ResponseSuccess", "ResponseError", // orval
	"Query", "QueryParams", "QueryResponse", "Mutation", "MutationRequest", "MutationResponse", "PathParams", "HeaderParams", // kubb
}

// globals must not be shadowed in TypeScript.
var globals = []string{"Array", "Blob", "Boolean", "Date", "Error", "Event", "File", "FormData", "Headers", "Map", "Number", "Object", "Promise", "Record", "Request", "Response", "Set", "String", "Symbol", "URL"}

func asGenerated(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

func forEachOperation(contract *openapi3.T, visit func(method, path string, o *openapi3.Operation)) {
	for path, item := range contract.Paths.Map() {
		for method, o := range item.Operations() {
			visit(method, path, o)
		}
	}
}

func TestContract_OperationIDsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	forEachOperation(testContract(t), func(method, path string, o *openapi3.Operation) {
		here, id := method+" "+path, asGenerated(o.OperationID)
		if there, taken := seen[id]; taken {
			t.Errorf("%s has the operationId %s, and so has %s", here, o.OperationID, there)
		}
		seen[id] = here
	})
}

func TestContract_ComponentsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	taken := map[string]string{}
	forEachOperation(contract, func(_, _ string, o *openapi3.Operation) {
		for _, suffix := range generatedSuffixes {
			taken[asGenerated(o.OperationID+suffix)] = "what generators make of the operation " + o.OperationID
		}
		for status := range o.Responses.Map() {
			taken[asGenerated(o.OperationID+status)] = "what generators make of the operation " + o.OperationID
		}
	})
	for _, name := range globals {
		taken[asGenerated(name)] = "a global of TypeScript"
	}
	claim := func(section, name string) {
		if other, is := taken[asGenerated(name)]; is {
			t.Errorf("%s/%s has the name of %s", section, name, other)
		}
		taken[asGenerated(name)] = section + "/" + name
	}
	for _, name := range slices.Sorted(maps.Keys(contract.Components.Schemas)) {
		claim("schemas", name)
	}
	for _, name := range slices.Sorted(maps.Keys(contract.Components.Responses)) {
		claim("responses", name)
	}
	for _, name := range slices.Sorted(maps.Keys(contract.Components.Parameters)) {
		claim("parameters", name)
	}
}

func TestContract_ResponsesAreNarrow(t *testing.T) {
	t.Parallel()
	forEachOperation(testContract(t), func(_, _ string, o *openapi3.Operation) {
		for declared, response := range o.Responses.Map() {
			media := response.Value.Content.Get("application/json")
			if media == nil {
				continue
			}
			failed := declared >= "400"
			success := media.Schema.Value.Properties["success"]
			if success == nil || success.Ref != "" || !slices.Equal(success.Value.Enum, []any{!failed}) {
				t.Errorf("%s %s: success is not the one value %t, written in place", o.OperationID, declared, !failed)
			}
			if !failed {
				continue
			}
			var codes []string
			for _, code := range media.Schema.Value.Properties["code"].Value.Enum {
				codes = append(codes, code.(string))
			}
			slices.Sort(codes)
			if shown := slices.Sorted(maps.Keys(media.Examples)); !slices.Equal(codes, shown) {
				t.Errorf("%s %s: code can be %v, and there are examples of %v", o.OperationID, declared, codes, shown)
			}
		}
	})
}

func TestContract_EachFailureIsAFailure(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	general := contract.Components.Schemas["Failure"].Value
	for name, ref := range contract.Components.Schemas {
		if !strings.HasSuffix(name, "Failure") || name == "Failure" {
			continue
		}
		if !slices.Equal(ref.Value.Required, general.Required) {
			t.Errorf("%s requires %v, expected %v as Failure does", name, ref.Value.Required, general.Required)
		}
		for member, property := range ref.Value.Properties {
			same := general.Properties[member]
			if same == nil || property.Ref != same.Ref && member != "code" || property.Value.Description == "" {
				t.Errorf("%s.%s is not the member that Failure has", name, member)
				continue
			}
			for _, code := range property.Value.Enum {
				if !slices.Contains(same.Value.Enum, code) {
					t.Errorf("%s.%s can be %v, which Failure's cannot", name, member, code)
				}
			}
		}
	}
}

// ogen warns of header names that are not canonical. swagger-typescript-api makes //v1 of the server "/".
func TestContract_EverySchemaIsPlain(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	for name, ref := range contract.Components.Schemas {
		checkPlain(t, name, ref)
	}
	for name, header := range contract.Components.Headers {
		checkPlain(t, "the header "+name, header.Value.Schema)
	}
	if len(contract.Servers) > 0 {
		t.Errorf("the contract has the server %s, expected none", contract.Servers[0].URL)
	}
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	forEachOperation(contract, func(method, path string, o *openapi3.Operation) {
		if !slices.Contains(methods, method) {
			t.Errorf("%s has the method %s, expected one of %v", o.OperationID, method, methods)
		}
		if o.Description == "" || o.Summary == "" {
			t.Errorf("%s has no summary or no description", o.OperationID)
		}
		for _, tag := range o.Tags {
			if declared := contract.Tags.Get(tag); declared == nil || declared.Description == "" {
				t.Errorf("%s has the tag %s, which the contract does not describe", o.OperationID, tag)
			}
		}
		placed := map[string]bool{}
		for _, parameter := range o.Parameters {
			checkPlain(t, o.OperationID+"'s "+parameter.Value.Name, parameter.Value.Schema)
			if parameter.Value.In == openapi3.ParameterInHeader {
				checkHeader(t, o.OperationID, parameter.Value.Name)
			}
			key := parameter.Value.In + " " + parameter.Value.Name
			if placed[key] || parameter.Value.In == openapi3.ParameterInPath && !strings.Contains(path, "{"+parameter.Value.Name+"}") {
				t.Errorf("%s has the parameter %s twice, or without a place in %s", o.OperationID, key, path)
			}
			placed[key] = true
		}
		for _, response := range o.Responses.Map() {
			for header := range response.Value.Headers {
				checkHeader(t, o.OperationID, header)
			}
		}
	})
	for name, scheme := range contract.Components.SecuritySchemes {
		if scheme.Value.In == openapi3.ParameterInHeader {
			checkHeader(t, name, scheme.Value.Name)
		}
	}
}

func checkHeader(t *testing.T, where, name string) {
	t.Helper()
	if canonical := textproto.CanonicalMIMEHeaderKey(name); name != canonical {
		t.Errorf("%s has the header %s, expected the spelling %s", where, name, canonical)
	}
}

func checkPlain(t *testing.T, path string, ref *openapi3.SchemaRef) {
	t.Helper()
	schema := ref.Value
	if len(schema.AllOf)+len(schema.OneOf)+len(schema.AnyOf) > 0 || schema.Not != nil || schema.Discriminator != nil {
		t.Errorf("%s is composed of other schemas", path)
	}
	if schema.Type == nil || len(*schema.Type) != 1 {
		t.Errorf("%s has the type %v, expected one", path, schema.Type)
	}
	if schema.Nullable && len(schema.Enum) > 0 && !slices.Contains(schema.Enum, nil) {
		t.Errorf("%s is nullable and its enum has no null", path)
	}
	for name, property := range schema.Properties {
		if property.Ref == "" {
			checkPlain(t, path+"."+name, property)
		}
	}
	for _, name := range schema.Required {
		if schema.Properties[name] == nil {
			t.Errorf("%s requires %s, which it does not have", path, name)
		}
	}
	if schema.Items != nil && schema.Items.Ref == "" {
		checkPlain(t, path+"[]", schema.Items)
	}
}
