// Package browser finds or installs a Chromium for tests of our pages.
//
// When a test finds no browser, install Chromium or name its program in DEVSTACK_CHROMIUM.
package browser
