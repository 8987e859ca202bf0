// Package app builds the service from its parts, serves, and closes them in reverse; commands use the same parts. It holds no domain rules.
//
// When the build breaks here: a constructor or its Options changed. Follow it in build.go. Settings come from internal/config.
package app
