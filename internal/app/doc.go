// Package app builds the service: Run builds all parts, serves until its context ends, and closes them in reverse. cmd/authd and the tests
// share it. It holds no domain rules.
//
// When the build breaks here: a constructor or its Options changed. Follow it in build.go. New settings come from internal/config.
package app
