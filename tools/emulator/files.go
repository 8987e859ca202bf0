// Package emulator holds the pinned npm project of the official Firebase emulator, so that Go can install it anywhere.
//
// It owns the version (package.json and its lock) and the script that starts the authentication emulator alone; how it is
// installed and run is internal/devstack/identity/official's. To move to another version: change package.json, run
// `npm install --package-lock-only` here, and let the conformance suite say what has changed.
package emulator

import "embed"

// Files is the project without its dependencies.
//
//go:embed package.json package-lock.json .npmrc start.cjs
var Files embed.FS
