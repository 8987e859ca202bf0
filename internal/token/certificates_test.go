package token

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

func TestParseCertificate_BoundsTheKeysLength_T3(t *testing.T) {
	t.Parallel()
	signer, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour)}
	for bits, good := range map[int]bool{minKeyBits - 1: false, minKeyBits: true, maxKeyBits: true, maxKeyBits + 1: false, 1 << 16: false} {
		modulus := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
		der, err := x509.CreateCertificate(rand.Reader, template, template, &rsa.PublicKey{N: modulus, E: 65537}, signer)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseCertificate(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
		if (err == nil) != good {
			t.Errorf("a key of %d bits: %v", bits, err)
		}
	}
}
