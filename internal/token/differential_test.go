package token_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/auth"
	"google.golang.org/api/option"

	"auth-v2-service/internal/token"
)

// T3: verdicts may differ from the Admin SDK's only where the table explains it.
func TestVerify_DifferentialAgainstTheAdminSDK(t *testing.T) {
	now := time.Now().Truncate(time.Second) // the SDK's clock cannot be set
	cases := tokenCases(now)
	ours := verifierAt(t, now)
	sdk := adminSDK(t, listedKeys(now))

	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "rule\ttoken\tAdmin SDK\tours\twhy they differ")
	accepted, different := 0, 0
	for _, c := range cases {
		_, err := ours.Verify(context.Background(), c.compact)
		ourVerdict := verdict(err)
		sdkVerdict := sdkVerdictOf(sdk.VerifyIDToken(context.Background(), c.compact))
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.rule, c.name, sdkVerdict, ourVerdict, c.why)

		if want := verdict(c.want); ourVerdict != want {
			t.Errorf("%s: we say %s, the table %s (%v)", c.name, ourVerdict, want, err)
		}
		if sdkVerdict != c.sdk {
			t.Errorf("%s: the Admin SDK says %s, the table %s", c.name, sdkVerdict, c.sdk)
		}
		if (ourVerdict != sdkVerdict) != (c.why != "") {
			t.Errorf("%s: ours %s, the SDK's %s, and the table's reason is %q", c.name, ourVerdict, sdkVerdict, c.why)
		}
		if ourVerdict == sdkAccepts {
			accepted++
		}
		if ourVerdict != sdkVerdict {
			different++
		}
	}
	_ = w.Flush()
	t.Logf("%d tokens, %d accepted by us, %d where we differ\n%s", len(cases), accepted, different, table.String())
}

func verdict(err error) string {
	switch {
	case err == nil:
		return sdkAccepts
	case errors.Is(err, token.ErrExpired):
		return sdkExpired
	case errors.Is(err, token.ErrMalformed), errors.Is(err, token.ErrMissing):
		return sdkInvalid
	}
	return err.Error()
}

func sdkVerdictOf(_ *auth.Token, err error) string {
	switch {
	case err == nil:
		return sdkAccepts
	case auth.IsIDTokenExpired(err):
		return sdkExpired
	case auth.IsIDTokenInvalid(err):
		return sdkInvalid
	}
	return "error: " + err.Error()
}

// adminSDK catches the SDK's hard-coded key URL through http.DefaultTransport, which the SDK copies.
func adminSDK(t testing.TB, document []byte) *auth.Client {
	t.Helper()
	t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", "")
	google := fakeGoogle(t, document)
	original := http.DefaultTransport
	defer func() { http.DefaultTransport = original }()
	http.DefaultTransport = google

	app, err := firebase.NewApp(context.Background(), &firebase.Config{ProjectID: project},
		option.WithAuthCredentialsJSON(option.ServiceAccount, serviceAccount(firstKey())))
	if err != nil {
		t.Fatal(err)
	}
	client, err := app.Auth(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func fakeGoogle(t testing.TB, document []byte) *http.Transport {
	t.Helper()
	server := httptest.NewUnstartedServer(serve(document))
	server.Config.ErrorLog = log.New(&bytes.Buffer{}, "", 0)
	pair, roots := tlsPair("www.googleapis.com")
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
}

func tlsPair(host string) (tls.Certificate, *x509.CertPool) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, strangerKey().Public(), strangerKey())
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: strangerKey()}, roots
}

func serviceAccount(key *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": "1", "client_id": "1",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": strings.Join([]string{"firebase-adminsdk", project + ".iam.gserviceaccount.com"}, "@"),
		"token_uri":    "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		panic(err)
	}
	return account
}
