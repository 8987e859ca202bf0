// Package db carries the migrations and what they produce inside the binary, so that authd needs no file beside it.
package db

import "embed"

// Migrations holds db/migrations as dbmate reads it: NNN_name.sql with up and down sections.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Catalogue is what the migrations produce in the schema auth: one object a line, as JSON, ordered. `make generate` writes it.
//
//go:embed catalogue.jsonl
var Catalogue []byte

// LegacyCatalogue is what the first migration alone produces: the platform's own table, where adoption begins.
//
//go:embed catalogue_legacy.jsonl
var LegacyCatalogue []byte
