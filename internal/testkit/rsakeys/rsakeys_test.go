package rsakeys_test

import (
	"testing"

	"auth-v2-service/internal/testkit/rsakeys"
)

func TestSource_GivesDifferentKeysAndTheSameToAll(t *testing.T) {
	t.Parallel()
	one, other := rsakeys.Source(), rsakeys.Source()
	first, err := one()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := one(); err != nil || second.Equal(first) {
		t.Errorf("the second call gives the first key again (%v), want another", err)
	}
	if again, err := other(); err != nil || !again.Equal(first) {
		t.Errorf("another source begins with another key (%v), want the same", err)
	}
}
