// Package chromium holds the pinned npm project of a headless Chromium, so that Go can install it anywhere.
//
// It owns the version (package.json and its lock), how the package is unpacked (unpack.mjs) and the script that starts what was
// unpacked; when it is used is internal/devstack/browser's. The browser speaks the DevTools protocol and lacks the options
// --dump-dom and --screenshot. To move to another version: change package.json, run `npm install --package-lock-only` here, and
// let the browser's tests say what has changed.
package chromium

import "embed"

// Files is the project without its dependencies.
//
//go:embed package.json package-lock.json .npmrc unpack.mjs fonts.conf chromium
var Files embed.FS
