// Package app puts the service together: Run builds every part top down, serves until its context ends, and closes in
// reverse. The same Run serves cmd/authd and the tests. It knows the order of things and no rule of the domain.
//
// When the build breaks here: a room's constructor or one of its Options has changed. Follow it in build.go; a new setting is
// read in internal/config and handed on from here.
package app
