// Package freeport chooses ports. Another program may take one before use: start again.
package freeport

import (
	"fmt"
	"net"
)

// Choose returns wanted, or for 0 a free port.
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
