package servicetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// valued holds properties with a non-null value, such as "Me.email".
var valued = struct {
	sync.Mutex
	properties map[string]bool
}{properties: map[string]bool{}}

func seeValues(operation *openapi3.Operation, status int, body []byte) {
	if status >= http.StatusMultipleChoices {
		return
	}
	var value any
	schema := answerSchema(operation, strconv.Itoa(status))
	if schema == nil || json.Unmarshal(body, &value) != nil {
		return
	}
	valued.Lock()
	defer valued.Unlock()
	eachValue(schema, operation.OperationID, value, func(property string) { valued.properties[property] = true })
}

func unvalued() (missing []string, declared int) {
	all := map[string]bool{}
	for _, item := range contract().Paths.Map() {
		for _, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if schema := answerSchema(operation, status); schema != nil && status < "300" {
					eachProperty(schema, operation.OperationID, all)
				}
			}
		}
	}
	valued.Lock()
	defer valued.Unlock()
	declared = len(all)
	maps.DeleteFunc(all, func(property string, _ bool) bool { return valued.properties[property] })
	return slices.Sorted(maps.Keys(all)), declared
}

func answerSchema(operation *openapi3.Operation, status string) *openapi3.SchemaRef {
	response := operation.Responses.Value(status)
	if response == nil || response.Value.Content.Get("application/json") == nil {
		return nil
	}
	return response.Value.Content.Get("application/json").Schema
}

func owner(schema *openapi3.SchemaRef, place string) string {
	if schema.Ref != "" {
		return path.Base(schema.Ref)
	}
	return place
}

func eachValue(schema *openapi3.SchemaRef, place string, value any, see func(property string)) {
	place = owner(schema, place)
	for _, part := range parts(schema) {
		if part.Value.VisitJSON(value) == nil {
			eachValue(part, place, value, see)
		}
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if schema.Value.Items != nil {
				eachValue(schema.Value.Items, place+"[]", item, see)
			}
		}
	case map[string]any:
		for name, inner := range value {
			declared, property := schema.Value.Properties[name], place+"."+name
			if declared == nil || inner == nil {
				continue
			}
			see(property)
			eachValue(declared, property, inner, see)
		}
	}
}

func eachProperty(schema *openapi3.SchemaRef, place string, into map[string]bool) {
	place = owner(schema, place)
	for _, part := range parts(schema) {
		eachProperty(part, place, into)
	}
	if schema.Value.Items != nil {
		eachProperty(schema.Value.Items, place+"[]", into)
	}
	for name, declared := range schema.Value.Properties {
		property := place + "." + name
		if !into[property] {
			into[property] = true
			eachProperty(declared, property, into)
		}
	}
}

func parts(schema *openapi3.SchemaRef) []*openapi3.SchemaRef {
	return slices.Concat(schema.Value.AllOf, schema.Value.OneOf, schema.Value.AnyOf)
}
