package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// read follows requestFields and Google: it refuses unknown fields and trailing data, and takes snake case and enum numbers. Our own
// operations have no table.
func (p *Provider) read(c *call, operation string, in any) error {
	if c.request.Method == http.MethodGet || c.request.Method == http.MethodDelete {
		return p.readQuery(c, operation)
	}
	body, err := io.ReadAll(c.request.Body)
	if err != nil {
		return invalidArgument("Request payload could not be read: %v", err)
	}
	if kind, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		if body, err = formAsJSON(body); err != nil {
			return err
		}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if _, listed := requestFields[operation]; !listed {
		return decodeStrictly(body, in, nil)
	}
	message, err := p.admit(c, operation, body)
	if err != nil {
		return err
	}
	if body, err = json.Marshal(message); err != nil {
		return fmt.Errorf("identity: encode %s: %w", operation, err)
	}
	return decodeStrictly(body, in, message)
}

func (p *Provider) readQuery(c *call, operation string) error {
	if _, own := c.request.URL.Query()["tenantId"]; own && operation != "" {
		return errTenant
	}
	return nil
}

func (p *Provider) admit(c *call, operation string, body []byte) (map[string]any, error) {
	var root any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decodeWhole(decoder, &root, nil); err != nil {
		return nil, err
	}
	if root == nil {
		return nil, nil
	}
	message, isMessage := root.(map[string]any)
	if !isMessage {
		return nil, invalidArgument(`Invalid JSON payload received. Unknown name "": Root element must be a message.`)
	}
	message, err := applyRules(operation, "", message)
	if err != nil {
		return nil, err
	}
	target, _ := message["targetProjectId"].(string)
	delete(message, "targetProjectId")
	return message, p.checkTarget(c, target)
}

func applyRules(path, at string, message map[string]any) (map[string]any, error) {
	admitted := map[string]any{}
	for _, given := range slices.Sorted(maps.Keys(message)) {
		name, value := camelCase(given), message[given]
		rule, known := requestFields[path][name]
		if !known {
			return nil, unknownField(given, at)
		}
		value, err := enumValue(name, at, value)
		if err != nil {
			return nil, err
		}
		switch {
		case rule.treatment == ignored, rule.treatment == refused && !isSet(value):
			continue
		case rule.err != nil:
			return nil, rule.err
		}
		if admitted[name], err = applyInside(path+"."+name, join(at, name), value); err != nil {
			return nil, err
		}
	}
	return admitted, nil
}

func applyInside(path, at string, value any) (any, error) {
	if _, nested := requestFields[path]; !nested {
		return value, nil
	}
	switch inner := value.(type) {
	case map[string]any:
		return applyRules(path, at, inner)
	case []any:
		list := make([]any, len(inner))
		for index, element := range inner {
			var err error
			if list[index], err = applyInside(path, fmt.Sprintf("%s[%d]", at, index), element); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return value, nil
}

func unknownField(name, at string) error {
	place := ""
	if at != "" {
		place = fmt.Sprintf(" at '%s'", at)
	}
	return invalidArgument("Invalid JSON payload received. Unknown name %q%s: Cannot find field.", name, place)
}

// isSet is false for protobuf's zero values.
func isSet(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case []any:
		return len(v) > 0
	case string:
		return v != ""
	case json.Number:
		return v.String() != "0"
	case bool:
		return v
	}
	return true
}

func enumValue(name, at string, value any) (any, error) {
	kind, enumerated := enums[name]
	if !enumerated || value == nil {
		return value, nil
	}
	if list, repeated := value.([]any); repeated {
		names := make([]any, len(list))
		for index, element := range list {
			var err error
			if names[index], err = enumValue(name, at, element); err != nil {
				return nil, err
			}
		}
		return names, nil
	}
	switch v := value.(type) {
	case string:
		if slices.Contains(kind.values, v) {
			return v, nil
		}
	case json.Number:
		if number, err := strconv.Atoi(v.String()); err == nil && number >= 0 && number < len(kind.values) {
			return kind.values[number], nil
		}
	}
	return nil, invalidValue(join(at, name), "type.googleapis.com/"+kind.name, value)
}

func invalidValue(at, kind string, value any) error {
	shown, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return invalidArgument("Invalid value at '%s' (%s), %.200s", snakeCase(at), kind, shown)
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func camelCase(name string) string {
	words := strings.Split(name, "_")
	for index, word := range words[1:] {
		if word != "" {
			words[index+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

func snakeCase(name string) string {
	var text strings.Builder
	for _, letter := range name {
		if unicode.IsUpper(letter) {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToLower(letter))
	}
	return text.String()
}

func formAsJSON(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalidArgument("Invalid form payload received.")
	}
	values := map[string]string{}
	for name := range form {
		values[name] = form.Get(name)
	}
	return json.Marshal(values)
}

func decodeStrictly(body []byte, in any, message map[string]any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	return decodeWhole(decoder, in, message)
}

func decodeWhole(decoder *json.Decoder, in any, message map[string]any) error {
	if err := decoder.Decode(in); err != nil {
		return payloadError(err, message)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return invalidArgument("Invalid JSON payload received. Parsing terminated before end of input.")
	}
	return nil
}

func payloadError(err error, message map[string]any) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		if value, given := message[wrongType.Field]; given {
			return invalidValue(wrongType.Field, protobufType(wrongType.Type), value)
		}
		return invalidArgument("Invalid value at '%s' (%s), %s", snakeCase(wrongType.Field), protobufType(wrongType.Type), wrongType.Value)
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return invalidArgument("Invalid JSON payload received. Unknown name %s: Cannot find field.", name)
	}
	return invalidArgument("Invalid JSON payload received. Unexpected token.")
}

func protobufType(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.String:
		return "TYPE_STRING"
	case reflect.Bool:
		return "TYPE_BOOL"
	case reflect.Int64:
		return "TYPE_INT64"
	case reflect.Int:
		return "TYPE_INT32"
	default:
		return "TYPE_MESSAGE"
	}
}

// int64Text is a string or a number, as in protobuf's JSON.
type int64Text string

// UnmarshalJSON implements json.Unmarshaler.
func (i *int64Text) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" || text == "" {
		return nil
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return &json.UnmarshalTypeError{Value: fmt.Sprintf("%.40s", raw), Type: reflect.TypeFor[int64]()}
	}
	*i = int64Text(text)
	return nil
}

func (i int64Text) value() int64 {
	n, _ := strconv.ParseInt(string(i), 10, 64)
	return n
}
