package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"

	"auth-v2-service/internal/fault"
)

// validate holds every request against the contract: credential first, then parameters, then body.
func validate(contract *openapi3.T) func(http.Handler) http.Handler {
	return nethttpmiddleware.OapiRequestValidatorWithOptions(contract, &nethttpmiddleware.Options{
		DoNotValidateServers: true,
		Options: openapi3filter.Options{
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(formats)},
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				ctx := in.RequestValidationInput.Request.Context()
				x := exchangeOf(ctx)
				return x.holder.authenticate(ctx, x.op)
			},
		},
		ErrorHandlerWithOpts: func(
			_ context.Context, err error, w http.ResponseWriter, r *http.Request, _ nethttpmiddleware.ErrorHandlerOpts,
		) {
			writeError(w, r, malformedRequest(err))
		},
	})
}

// malformedRequest gives a validator's or decoder's error its meaning. A refusal of ours inside it, and whatever kept the
// credential from being decided, stays what it is, whatever status the validator would have suggested. Field messages come from the contract's schemas and never
// hold what the client sent.
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
