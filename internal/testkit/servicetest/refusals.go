package servicetest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

var heard = struct {
	sync.Mutex
	refusals map[string]bool
}{refusals: map[string]bool{}}

func (r refusal) at(operation string, status string) string {
	return fmt.Sprintf("%s %s %s %q", operation, status, r.Code, r.Message)
}

func checkRefusal(operation *openapi3.Operation, status int, body []byte) error {
	said := refusal{}
	if status < 400 || len(body) == 0 || json.Unmarshal(body, &said) != nil {
		return nil
	}
	number := strconv.Itoa(status)
	if _, shown := examples(operation, number)[said.Code]; !shown {
		return fmt.Errorf("%s %s has no example of the code %s", operation.OperationID, number, said.Code)
	}
	heard.Lock()
	defer heard.Unlock()
	heard.refusals[said.at(operation.OperationID, number)] = true
	return nil
}

func examples(operation *openapi3.Operation, status string) map[string]refusal {
	out := map[string]refusal{}
	response := operation.Responses.Value(status)
	if response == nil || response.Value.Content.Get("application/json") == nil {
		return out
	}
	for code, example := range response.Value.Content.Get("application/json").Examples {
		value, _ := example.Value.Value.(map[string]any)
		message, _ := value["message"].(string)
		out[code] = refusal{Code: code, Message: message}
	}
	return out
}

func unheardExamples() (missing []string, shown int) {
	heard.Lock()
	defer heard.Unlock()
	for _, item := range contract().Paths.Map() {
		for _, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if status < "400" || onlyByABug[operation.OperationID+" "+status] {
					continue
				}
				for _, example := range examples(operation, status) {
					shown++
					if said := example.at(operation.OperationID, status); !heard.refusals[said] {
						missing = append(missing, said)
					}
				}
			}
		}
	}
	sort.Strings(missing)
	return missing, shown
}
