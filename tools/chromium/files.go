// Package chromium embeds the pinned npm project of a headless Chromium. It speaks the DevTools protocol and lacks --dump-dom and
// --screenshot. To update: change package.json, run `npm install --package-lock-only`, and run the browser's tests.
package chromium

import "embed"

// Files is the project without dependencies.
//
//go:embed package.json package-lock.json .npmrc unpack.mjs fonts.conf chromium
var Files embed.FS
