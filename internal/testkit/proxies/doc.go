// Package proxies runs nginx, Caddy and HAProxy on the configurations of deploy/ (G4). Compiling Caddy (tools/caddy) takes a minute or
// two once. When a proxy does not start, the error quotes its log.
package proxies
