// Package servicetest runs the service with real PostgreSQL and Redis. Its client checks every answer against the contract, and [Main]
// demands that each declared answer was seen.
package servicetest
