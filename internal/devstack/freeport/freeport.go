// Package freeport gives the parts of the development stack a port to listen at. It knows none of the parts.
//
// When a part fails because its port is taken: somebody took it between the choice and the use, which the system makes rare
// by handing out free ports in turn; start again, or name the port.
package freeport

import (
	"fmt"
	"net"
)

// Choose gives the wanted port of host, or one that is free now where none is wanted.
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
