package freeport_test

import (
	"net"
	"strconv"
	"testing"

	"auth-v2-service/internal/devstack/freeport"
)

func TestChoose(t *testing.T) {
	const host = "127.0.0.1"
	if got, err := freeport.Choose(host, 4711); err != nil || got != 4711 {
		t.Errorf("chose %d, %v, expected the wanted one", got, err)
	}
	free, err := freeport.Choose(host, 0)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(free)))
	if err != nil {
		t.Fatalf("the port chosen is not free: %v", err)
	}
	_ = listener.Close()
	if _, err := freeport.Choose("192.0.2.1", 0); err == nil {
		t.Error("chose a port of a host that is not this machine")
	}
}
