// Package browser brings a Chromium for tests that look at our pages as people do: the installed one, else, where we are root,
// Debian's, else npm's (tools/chromium). It owns how one is found and which flags keep it quiet, and knows nothing of the pages.
//
// When a test says that no browser is there: install Chromium or Chrome, or name its program in DEVSTACK_CHROMIUM.
package browser
