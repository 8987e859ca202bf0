package main

import (
	"testing"

	"auth-v2-service/internal/config"
)

func TestDatabaseName_ShowsNoPassword(t *testing.T) {
	for address, name := range map[string]string{
		"postgres://auth:secret@db.example.com:5433/auth?sslmode=disable": "db.example.com:5433/auth",
		"postgres://db.example.com/auth?password=se@cret&sslmode=disable": "db.example.com:5432/auth",
		"host=db.example.com dbname=auth password=se@cret":                "db.example.com:5432/auth",
		"postgres://db.example.com:port/auth?password=secret":             "-",
	} {
		if got := databaseName(config.Config{DatabaseURL: address}); got != name {
			t.Errorf("%s is called %q, expected %q", address, got, name)
		}
	}
}
