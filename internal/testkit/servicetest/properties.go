package servicetest

import (
	"encoding/json"
	"net/http"
	"sort"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// told is the properties of successful answers that have said something: "operation a.b[].c". One that never does wants its mapping.
var told = struct {
	sync.Mutex
	paths map[string]bool
}{paths: map[string]bool{}}

// hear notes what a successful answer says.
func hear(operation string, status int, body []byte) {
	if status >= http.StatusMultipleChoices {
		return
	}
	var answer any
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	told.Lock()
	defer told.Unlock()
	collect(operation+" ", answer)
}

func collect(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if inner != nil && inner != "" && inner != false && inner != float64(0) {
				told.paths[path+name] = true
			}
			collect(path+name+".", inner)
		}
	case []any:
		for _, inner := range v {
			collect(strings.TrimSuffix(path, ".")+"[].", inner)
		}
	}
}

// untold lists the declared properties of successful answers that no test has seen with a value, and counts the declared ones.
func untold() (missing []string, declared int) {
	told.Lock()
	defer told.Unlock()
	for _, item := range contract().Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				media := response.Value.Content.Get("application/json")
				if !strings.HasPrefix(status, "2") || media == nil {
					continue
				}
				for _, path := range properties(operation.OperationID+" ", media.Schema.Value) {
					declared++
					if !told.paths[path] {
						missing = append(missing, path+" (a value)")
					}
				}
			}
		}
	}
	sort.Strings(missing)
	return missing, declared
}

// properties are the paths that a schema names. Of alternatives any may be answered, so all are named.
func properties(path string, schema *openapi3.Schema) (paths []string) {
	for name, property := range schema.Properties {
		paths = append(paths, path+name)
		paths = append(paths, properties(path+name+".", property.Value)...)
	}
	for _, part := range append(append(append(openapi3.SchemaRefs{}, schema.AllOf...), schema.OneOf...), schema.AnyOf...) {
		paths = append(paths, properties(path, part.Value)...)
	}
	if schema.Items != nil {
		paths = append(paths, properties(strings.TrimSuffix(path, ".")+"[].", schema.Items.Value)...)
	}
	return paths
}
