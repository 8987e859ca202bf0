// Package rsakeys shares RSA keys between tests, since one takes 80 ms.
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

// Source returns a generator of 2,048-bit keys. All sources share one sequence. Each is safe for concurrent use.
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
