// Package proxies runs nginx, Caddy and HAProxy on the configurations of deploy/ (G4). It installs missing programs. Caddy (tools/caddy)
// takes a minute or two to compile once. When a proxy does not start, the error quotes its log.
package proxies
