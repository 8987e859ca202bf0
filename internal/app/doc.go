// Package app puts the service together: Run builds every part top down, serves until its context ends, and closes in
// reverse. The same Run serves cmd/authd and the tests. It knows the order of things and no rule of the domain.
package app
