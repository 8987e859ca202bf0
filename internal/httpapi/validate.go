package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"

	"auth-v2-service/internal/fault"
)

// validate checks credential, parameters, then body.
func validate(contract *openapi3.T) func(http.Handler) http.Handler {
	return nethttpmiddleware.OapiRequestValidatorWithOptions(contract, &nethttpmiddleware.Options{
		DoNotValidateServers: true,
		Options: openapi3filter.Options{
			SkipSettingDefaults:     true, // defaults would rewrite the query without its unreadable parts
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(formats)},
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				ctx := in.RequestValidationInput.Request.Context()
				x := requestOf(ctx)
				return x.auth.authenticate(ctx, x.op)
			},
		},
		ErrorHandlerWithOpts: func(
			_ context.Context, err error, w http.ResponseWriter, r *http.Request, _ nethttpmiddleware.ErrorHandlerOpts,
		) {
			writeError(w, r, malformedRequest(err))
		},
	})
}

// readableQuery refuses parts that net/url would drop, and a filter with them.
func readableQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if operationOf(r).query {
			if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
				writeError(w, r, fault.Invalid("the request is not valid", fault.Field{
					Field: "query", Message: "must be percent-encoded: % as %25, and ; as %3B",
				}))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// malformedRequest passes our refusals and credential errors unchanged. Messages never quote the client's values.
func malformedRequest(err error) error {
	var refusal *fault.Error
	var credential *openapi3filter.SecurityRequirementsError
	if errors.As(err, &refusal) || errors.As(err, &credential) {
		return err
	}
	out := fault.Invalid("the request is not valid").With(err)
	if field, found := invalidField(err); found {
		out.Fields = []fault.Field{field}
	}
	return out
}
