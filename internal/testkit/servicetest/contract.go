package servicetest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/httpapi"
)

var contract = sync.OnceValue(func() *openapi3.T {
	spec, err := api.GetSpec()
	if err != nil {
		panic(err)
	}
	httpapi.AddAliases(spec)
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	return spec
})

var router = sync.OnceValue(func() routers.Router {
	r, err := gorillamux.NewRouter(contract())
	if err != nil {
		panic(err)
	}
	return r
})

type validating struct {
	t    testing.TB
	base http.RoundTripper
}

func newValidating(t testing.TB) http.RoundTripper {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = 64
	t.Cleanup(base.CloseIdleConnections)
	return validating{t: t, base: base}
}

func (v validating) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := v.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if fault := check(r, response, body); fault != nil {
		v.t.Errorf("%s %s answered %d, which is not the contract's: %v\n%s", r.Method, r.URL.Path, response.StatusCode, fault, body)
	}
	return response, nil
}

func check(r *http.Request, response *http.Response, body []byte) error {
	if response.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("X-Request-Id is missing")
	}
	route, parameters, err := findRoute(r)
	if err != nil {
		return checkUnrouted(response, body)
	}
	see(route.Operation.OperationID, response.StatusCode)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route},
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	input.SetBodyBytes(body)
	if len(body) == 0 && r.Method == http.MethodHead {
		input.Options.ExcludeResponseBody = true
	}
	if err := openapi3filter.ValidateResponse(r.Context(), input); err != nil {
		return err
	}
	seeValues(route.Operation, response.StatusCode, body)
	return checkRefusal(route.Operation, response.StatusCode, body)
}

// findRoute takes GET for HEAD. Legacy paths match in any case and with a trailing slash.
func findRoute(r *http.Request) (*routers.Route, map[string]string, error) {
	route, parameters, err := router().FindRoute(r)
	if err == nil {
		return route, parameters, nil
	}
	again := r.Clone(r.Context())
	again.URL.Path = strings.ToLower(strings.TrimSuffix(r.URL.Path, "/"))
	if legacy, parameters, err := router().FindRoute(again); err == nil && slices.Contains(legacy.Operation.Tags, "legacy") {
		return legacy, parameters, nil
	}
	if r.Method == http.MethodHead {
		again = r.Clone(r.Context())
		again.Method = http.MethodGet
		return findRoute(again)
	}
	return nil, nil, err
}

func checkUnrouted(response *http.Response, body []byte) error {
	if response.StatusCode == http.StatusNoContent || response.StatusCode == http.StatusOK && response.Request.Method == http.MethodOptions {
		return nil // a preflight
	}
	if response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("a path or method that the contract does not name must be 404 or 405")
	}
	if response.Request.Method == http.MethodHead {
		return nil
	}
	envelope := contract().Components.Schemas["Failure"].Value
	var decoded any
	if err := json.Unmarshal(body, &decoded); err != nil {
		return err
	}
	return envelope.VisitJSON(decoded)
}

var seen = struct {
	sync.Mutex
	pairs map[string]bool
}{pairs: map[string]bool{}}

func see(operation string, status int) {
	seen.Lock()
	defer seen.Unlock()
	seen.pairs[operation+" "+strconv.Itoa(status)] = true
}

// Main runs a package's tests. A whole run fails unless it saw each declared status, refusal example and success property.
func Main(m *testing.M) {
	code := m.Run()
	if !asked("test.run") && !asked("test.skip") && !asked("test.list") {
		code = max(code, demandAllSeen())
	}
	if code == 0 && !asked("test.list") {
		code = pooled.demand()
	}
	os.Exit(code)
}

func asked(name string) bool { return flag.Lookup(name).Value.String() != "" }

func demandAllSeen() (code int) {
	missing, declared := unseen()
	report(fmt.Sprintf("contract: %d of %d declared (operation, status) seen", declared-len(missing), declared))
	unheard, shown := unheardExamples()
	report(fmt.Sprintf("contract: %d of %d examples of refusals heard, word for word", shown-len(unheard), shown))
	empty, properties := unvalued()
	report(fmt.Sprintf("contract: %d of %d properties of successes seen with a value", properties-len(empty), properties))
	if missing = slices.Concat(missing, unheard, empty); len(missing) > 0 {
		fmt.Printf("no test has seen:\n  %s\n", strings.Join(missing, "\n  "))
		return 1
	}
	return 0
}

func report(line string) {
	fmt.Println(line)
	path := os.Getenv("TEST_REPORT")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	_, _ = fmt.Fprintln(file, line)
}

// onlyByABug: ConfirmEmail calls Firebase alone, and each strange answer of Firebase is a 503.
var onlyByABug = map[string]bool{"ConfirmEmail 500": true}

func unseen() (missing []string, declared int) {
	seen.Lock()
	defer seen.Unlock()
	for _, item := range contract().Paths.Map() {
		for _, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				pair := operation.OperationID + " " + status
				if onlyByABug[pair] {
					continue
				}
				declared++
				if !seen.pairs[pair] {
					missing = append(missing, pair)
				}
			}
		}
	}
	sort.Strings(missing)
	return missing, declared
}
