package schema_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/schema"
)

func TestMigrate_StepsVerifyTheServersName(t *testing.T) {
	d := empty(t)
	d.upTo("000")
	right, other := certificate(t, "db.internal.test", "127.0.0.1"), certificate(t, "elsewhere.internal.test", "127.0.0.2")
	roots := filepath.Join(t.TempDir(), "roots.pem")
	var both []byte
	for _, c := range []tls.Certificate{right, other} {
		both = append(both, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	if err := os.WriteFile(roots, both, 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = encrypting(t, u.Host, right, right, other), "" // the look, the lock, the steps
	t.Setenv("PGSSLMODE", "verify-full")
	t.Setenv("PGSSLROOTCERT", roots)
	err = schema.Migrate(t.Context(), schema.Options{DatabaseURL: u.String(), Logger: quiet})
	if err == nil || !strings.Contains(err.Error(), "certificate is valid for 127.0.0.2") {
		t.Errorf("it ended with %v, expected the other name refused", err)
	}
	if got := d.applied(); got != "000" {
		t.Errorf("applied are %s, expected nothing by a server under another name", got)
	}
}

func certificate(t *testing.T, name, address string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IPAddresses: []net.IP{net.ParseIP(address)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}
}

// encrypting is a TLS proxy: each connection gets the next certificate.
func encrypting(t *testing.T, upstream string, certificates ...tls.Certificate) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			plain, err := listener.Accept()
			if err != nil {
				return
			}
			go encrypt(plain, upstream, certificates[0])
			certificates = certificates[min(1, len(certificates)-1):]
		}
	}()
	return listener.Addr().String()
}

// An SSLRequest has eight bytes.
func encrypt(plain net.Conn, upstream string, certificate tls.Certificate) {
	defer plain.Close()
	if _, err := io.CopyN(io.Discard, plain, 8); err != nil {
		return
	}
	if _, err := plain.Write([]byte("S")); err != nil {
		return
	}
	client := tls.Server(plain, &tls.Config{Certificates: []tls.Certificate{certificate}})
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}
