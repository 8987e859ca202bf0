// Package db embeds migrations and catalogues.
package db

import "embed"

// Migrations holds db/migrations.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Catalogue lists auth's objects as JSON lines.
//
//go:embed catalogue.jsonl
var Catalogue []byte

// LegacyCatalogue is migration 000's.
//
//go:embed catalogue_legacy.jsonl
var LegacyCatalogue []byte
