// Package db carries the migrations inside the binary, so that authd needs no file beside it.
package db

import "embed"

// Migrations holds db/migrations as dbmate reads it: NNN_name.sql with up and down sections.
//
//go:embed migrations/*.sql
var Migrations embed.FS
