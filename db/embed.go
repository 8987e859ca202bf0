// Package db embeds the migrations and their catalogues.
package db

import "embed"

// Migrations holds db/migrations.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Catalogue lists auth's objects: one JSON line each.
//
//go:embed catalogue.jsonl
var Catalogue []byte

// LegacyCatalogue is Catalogue after migration one.
//
//go:embed catalogue_legacy.jsonl
var LegacyCatalogue []byte
