package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"auth-v2-service/internal/apikey"
)

type operation struct {
	id      string
	limited bool // by client address (A4)
	body    bool
	query   bool // has query parameters
	legacy  bool
	admin   bool
	keys    bool     // also takes keys
	members []string // of a legacy body

	scope      apikey.Scope // admits its keys; "": none
	claimsOnly bool         // needs no row
	timeout    time.Duration

	proxyStatuses map[int]int // answered instead; none unless reverse proxies call it
}

func (op operation) forProxies() bool { return op.proxyStatuses != nil }

// operations is keyed by method and path.
type operations map[string]operation

func operationsOf(contract *openapi3.T) (operations, error) {
	timeout, err := handlerTimeout(contract)
	if err != nil {
		return nil, err
	}
	out := operations{}
	for path, item := range contract.Paths.Map() {
		for method, o := range item.Operations() {
			op := operation{
				id:      o.OperationID,
				body:    o.RequestBody != nil,
				query:   takesQuery(item.Parameters) || takesQuery(o.Parameters),
				legacy:  isLegacy(o.Tags),
				keys:    takesKeys(o),
				members: legacyMembers(o),
				timeout: timeout,
			}
			if err := op.apply(o.Extensions); err != nil {
				return nil, err
			}
			out[method+" "+path] = op
		}
	}
	return out, nil
}

func takesQuery(parameters openapi3.Parameters) bool {
	return slices.ContainsFunc(parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == openapi3.ParameterInQuery })
}

func takesKeys(o *openapi3.Operation) bool {
	return o.Security != nil && slices.ContainsFunc(*o.Security, func(way openapi3.SecurityRequirement) bool { return way["apiKey"] != nil })
}

// identify expects routes of the contract.
func (o operations) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := o[r.Method+" "+chi.RouteContext(r.Context()).RoutePattern()]
		requestOf(r.Context()).op = op
		ctx, cancel := context.WithTimeout(r.Context(), op.timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func operationOf(r *http.Request) operation { return requestOf(r.Context()).op }
