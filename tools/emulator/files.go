// Package emulator embeds the pinned npm project of Firebase's emulator. To update: change package.json, run `npm install
// --package-lock-only`, and run the conformance suite.
package emulator

import "embed"

// Files is the project.
//
//go:embed package.json package-lock.json .npmrc start.cjs
var Files embed.FS
