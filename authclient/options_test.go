package authclient_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"auth-v2-service/authclient"
)

func TestOptions_WhatIsWrongIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "auth:3008", "auth", "//auth:3008", "ftp://auth", "http://", "http://:3008", "http://jane:secret@auth", "http://auth?a=secret", "http://auth?", "http://auth#secret", "http://jane:secret@auth:x"} {
		err := authclient.Options{BaseURL: base}.Validate()
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", base, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New accepts %q", base)
				}
			}()
			authclient.New(authclient.Options{BaseURL: base})
		}()
	}
	for _, base := range []string{"http://auth:3008", "https://auth.example.com/", "http://[::1]:3008/below"} {
		if err := (authclient.Options{BaseURL: base}).Validate(); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
	if (authclient.Options{BaseURL: "http://auth", Timeout: -time.Second}).Validate() == nil {
		t.Error("a negative time-out is accepted")
	}
}

func TestModule_StandardLibraryOnly(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile("go.mod")
	if err != nil || strings.Contains(string(module), "require") {
		t.Errorf("go.mod requires something: %v\n%s", err, module)
	}
}
