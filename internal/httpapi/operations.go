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

// HandlerTimeout bounds the handling of a request.
const HandlerTimeout = 8 * time.Second

// hotTimeout keeps the promised 2 s (O3).
const hotTimeout = 1700 * time.Millisecond

type operation struct {
	id      string
	limited bool // by client address (A4)
	body    bool
	query   bool // has query parameters
	gateway bool // proxies understand few statuses
	legacy  bool
	admin   bool
	keys    bool     // also takes keys
	members []string // of a legacy body

	scope      apikey.Scope // admits its keys; "": none
	claimsOnly bool         // needs no row
	timeout    time.Duration
}

// operations is keyed by method and path.
type operations map[string]operation

func operationsOf(contract *openapi3.T) operations {
	out := operations{}
	for path, item := range contract.Paths.Map() {
		for method, o := range item.Operations() {
			out[method+" "+path] = operation{
				id:      o.OperationID,
				limited: o.Extensions["x-rate-limit"] == "credentials",
				body:    o.RequestBody != nil,
				query:   takesQuery(item.Parameters) || takesQuery(o.Parameters),
				gateway: o.OperationID == "forward",
				legacy:  isLegacy(o.Tags),
				admin:   o.Extensions["x-role"] == "admin",
				keys:    takesKeys(o),
				members: legacyMembers(o),

				scope:      scopeOf(o),
				claimsOnly: o.Extensions["x-bearer"] == "claims",

				timeout: timeoutOf(o),
			}
		}
	}
	return out
}

func takesQuery(parameters openapi3.Parameters) bool {
	return slices.ContainsFunc(parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == openapi3.ParameterInQuery })
}

func takesKeys(o *openapi3.Operation) bool {
	return o.Security != nil && slices.ContainsFunc(*o.Security, func(way openapi3.SecurityRequirement) bool { return way["apiKey"] != nil })
}

func scopeOf(o *openapi3.Operation) apikey.Scope {
	scope, _ := o.Extensions["x-scope"].(string)
	return apikey.Scope(scope)
}

func timeoutOf(o *openapi3.Operation) time.Duration {
	if slices.Contains(o.Tags, "gateway") || o.OperationID == "legacyVerifyToken" {
		return hotTimeout
	}
	return HandlerTimeout
}

// identify gives routes outside the contract HandlerTimeout.
func (o operations) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, named := o[r.Method+" "+chi.RouteContext(r.Context()).RoutePattern()]
		if !named {
			op.timeout = HandlerTimeout
		}
		requestOf(r.Context()).op = op
		ctx, cancel := context.WithTimeout(r.Context(), op.timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func operationOf(r *http.Request) operation { return requestOf(r.Context()).op }
