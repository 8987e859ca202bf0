// Package proxies runs the reverse proxies that platforms put in front of their services, nginx, Caddy and HAProxy, as children
// of a test, on the configurations of deploy/ as they stand there but for three addresses.
//
// It owns finding the programs, or bringing them where they are missing: nginx and HAProxy out of Debian's packages, unpacked and
// not installed, and Caddy from its Go module (tools/caddy), which takes a minute or two to compile the first time.
//
// It holds no rule of its own; G4 is tested with it. When a proxy does not start, the error quotes its log.
package proxies
