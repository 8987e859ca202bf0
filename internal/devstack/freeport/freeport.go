// Package freeport chooses a port for a part of the stack.
//
// Another program may take it before use: start again.
package freeport

import (
	"fmt"
	"net"
)

// Choose returns wanted, or a free port of host when wanted is 0.
func Choose(host string, wanted int) (int, error) {
	if wanted != 0 {
		return wanted, nil
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
