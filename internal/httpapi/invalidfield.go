package httpapi

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/fault"
)

const wholeBody = "body"

// formats makes the validator refuse what the generated types would. No error quotes the value.
var formats = map[string]openapi3.StringFormatValidator{
	"uuid": openapi3.NewCallbackValidator(func(text string) error {
		if _, err := uuid.Parse(text); err != nil {
			return errors.New("must be a UUID")
		}
		return nil
	}),
	"date-time": openapi3.NewCallbackValidator(func(text string) error {
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return errors.New("must be a time of RFC 3339")
		}
		return nil
	}),
}

// invalidField finds the parameter or body member at fault.
func invalidField(err error) (fault.Field, bool) {
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	ofSchema := errors.As(err, &schema)
	switch {
	case errors.As(err, &request) && request.Parameter != nil:
		return fault.Field{Field: request.Parameter.Name, Message: parameterMessage(request, schema)}, true
	case ofSchema:
		field := strings.Join(schema.JSONPointer(), ".")
		if field == "" {
			field = wholeBody
		}
		return fault.Field{Field: field, Message: reasonOf(schema)}, true
	case request != nil && request.RequestBody != nil && errors.Is(err, openapi3filter.ErrInvalidRequired):
		return fault.Field{Field: wholeBody, Message: "is required"}, true
	}
	var member *json.UnmarshalTypeError
	if errors.As(err, &member) && member.Field != "" {
		return fault.Field{Field: member.Field, Message: "must be written as an integer, without fraction or exponent"}, true
	}
	name := boundParameter(err)
	return fault.Field{Field: name, Message: "is not of the declared type"}, name != ""
}

// reasonOf hides Go's error for a number beyond float64.
func reasonOf(schema *openapi3.SchemaError) string {
	if number, ok := schema.Value.(json.Number); ok {
		if _, err := number.Float64(); err != nil {
			return "must be a number of a usual size"
		}
	}
	return schema.Reason
}

// parameterMessage never quotes the value.
func parameterMessage(request *openapi3filter.RequestError, schema *openapi3.SchemaError) string {
	var parse *openapi3filter.ParseError
	switch {
	case schema != nil:
		return reasonOf(schema)
	case errors.Is(request.Err, openapi3filter.ErrInvalidRequired):
		return "is required"
	case errors.Is(request.Err, openapi3filter.ErrInvalidEmptyValue):
		return "must not be empty"
	case errors.As(request.Err, &parse):
		return "must be of the type " + strings.Join(request.Parameter.Schema.Value.Type.Slice(), " or ")
	}
	return "is not valid"
}

func boundParameter(err error) string {
	var format *api.InvalidParamFormatError
	var tooMany *api.TooManyValuesForParamError
	var missing *api.RequiredParamError
	var missingHeader *api.RequiredHeaderError
	switch {
	case errors.As(err, &format):
		return format.ParamName
	case errors.As(err, &tooMany):
		return tooMany.ParamName
	case errors.As(err, &missing):
		return missing.ParamName
	case errors.As(err, &missingHeader):
		return missingHeader.ParamName
	}
	return ""
}
