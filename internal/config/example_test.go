package config_test

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"auth-v2-service/internal/config"
)

func TestExample_ListsEverySetting(t *testing.T) {
	page, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(string(page), -1) {
		listed[match[1]] = match[2]
	}
	settings := reflect.TypeFor[config.Config]()
	for i := range settings.NumField() {
		name, fallback := settings.Field(i).Tag.Get("env"), settings.Field(i).Tag.Get("envDefault")
		value, ok := listed[name]
		if !ok || value != fallback {
			t.Errorf(".env.example has %s=%q (listed: %t), expected its default %q", name, value, ok, fallback)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf(".env.example lists %s, which is no setting", name)
	}
}
