// Package rsakeys shares RSA keys between tests that each need a provider of their own, where no rule is about the keys: one takes
// 80 ms to make, several times that with the race detector. It does not know what a key signs.
package rsakeys

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"
)

var shared struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

// Source returns a function whose calls give a different key of 2,048 bits each. All sources give the same keys in the same order.
// Each source is safe for concurrent use.
func Source() func() (*rsa.PrivateKey, error) {
	given := 0
	return func() (*rsa.PrivateKey, error) {
		shared.Lock()
		defer shared.Unlock()
		if given == len(shared.keys) {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				return nil, fmt.Errorf("make an RSA key: %w", err)
			}
			shared.keys = append(shared.keys, key)
		}
		given++
		return shared.keys[given-1], nil
	}
}
