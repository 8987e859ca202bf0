// Package browser finds or installs a Chromium for tests. When it fails, install one or name its program in DEVSTACK_CHROMIUM.
package browser
