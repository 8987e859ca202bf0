// Package postgres embeds the pinned npm project of a PostgreSQL server. To update: change package.json, run `npm install
// --package-lock-only`, and run the tests of internal/devstack/postgres and internal/schema.
package postgres

import "embed"

// Files is the project.
//
//go:embed package.json package-lock.json .npmrc unpack.mjs
var Files embed.FS
