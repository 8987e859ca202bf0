package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Describe lists NAME=value, with secrets masked.
func (c Config) Describe() string {
	var out strings.Builder
	values, types := reflect.ValueOf(c), reflect.TypeOf(c)
	for i := range types.NumField() {
		field := types.Field(i)
		value := fmt.Sprint(values.Field(i).Interface())
		if field.Tag.Get("secret") == "true" && value != "" {
			value = "********"
		}
		fmt.Fprintf(&out, "%s=%s\n", field.Tag.Get("env"), value)
	}
	return out.String()
}
