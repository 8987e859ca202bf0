// Package chromium embeds the pinned npm project of a headless Chromium without --dump-dom and --screenshot. To update: change
// package.json, run `npm install --package-lock-only`, and run the browser's tests.
package chromium

import "embed"

// Files is the project.
//
//go:embed package.json package-lock.json .npmrc unpack.mjs fonts.conf chromium
var Files embed.FS
