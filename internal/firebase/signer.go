package firebase

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"auth-v2-service/internal/fault"
)

const (
	customTokenAudience = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
	customTokenLife     = 5 * time.Minute // at most an hour

	emulatorAccount = "firebase-auth-emulator@example.com"

	signBlobURL     = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/%s:signBlob"
	metadataAccount = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/email"
)

// signer replaces the Admin SDK's signers, which use neither our wire nor our Options.
type signer interface {
	algorithm() string
	account(ctx context.Context) (string, error)
	sign(ctx context.Context, account string, input []byte) ([]byte, error)
}

var errNoSigner = fault.New(fault.Internal, "these credentials name no service account that could sign a custom token")

// newSigner uses the service account's key, or else IAM signBlob, which needs the role Service Account Token Creator:
// https://firebase.google.com/docs/auth/admin/create-custom-tokens.
func newSigner(o Options, b *bearer, admin *http.Client) (signer, error) {
	if o.EmulatorHost != "" {
		return unsigned{}, nil
	}
	var file struct {
		Type          string `json:"type"`
		ClientEmail   string `json:"client_email"`
		PrivateKey    string `json:"private_key"`
		Impersonation string `json:"service_account_impersonation_url"`
	}
	if len(b.account) > 0 {
		if err := json.Unmarshal(b.account, &file); err != nil {
			return nil, errors.New("firebase: the credentials are not JSON")
		}
	}
	if file.PrivateKey != "" && file.ClientEmail != "" {
		key, err := parseKey(file.PrivateKey)
		if err != nil {
			return nil, err
		}
		return keySigner{email: file.ClientEmail, key: key}, nil
	}
	remote := iamSigner{client: admin, email: file.ClientEmail, metadata: &http.Client{Transport: o.Transport, CheckRedirect: noRedirects}}
	// ".../serviceAccounts/NAME@PROJECT.iam.gserviceaccount.com:generateAccessToken"
	if name, _, found := strings.Cut(path.Base(file.Impersonation), ":"); found {
		remote.email = name
	}
	remote.ofUser = file.Type != "" && remote.email == ""
	return remote, nil
}

func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("firebase: the service account's key is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("firebase: the service account's key is no RSA key")
	}
	return key, nil
}

// customToken returns a secret.
func (c *Client) customToken(ctx context.Context, uid string, developerClaims map[string]any) (string, error) {
	var token string
	err := c.call(ctx, opSignCustomToken, once, func(ctx context.Context) (err error) {
		token, err = buildCustomToken(ctx, c.signer, uid, c.tenant, developerClaims, time.Now())
		return err
	})
	return token, err
}

func buildCustomToken(
	ctx context.Context, s signer, uid, tenant string, developerClaims map[string]any, now time.Time,
) (string, error) {
	account, err := s.account(ctx)
	if err != nil {
		return "", err
	}
	header := map[string]string{"alg": s.algorithm(), "typ": "JWT"}
	claims := map[string]any{
		"iss": account, "sub": account, "aud": customTokenAudience, "uid": uid,
		"iat": now.Unix(), "exp": now.Add(customTokenLife).Unix(),
	}
	if tenant != "" {
		claims["tenant_id"] = tenant
	}
	if len(developerClaims) > 0 {
		claims["claims"] = developerClaims
	}
	var segments []string
	for _, part := range []any{header, claims} {
		encoded, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		segments = append(segments, base64.RawURLEncoding.EncodeToString(encoded))
	}
	input := strings.Join(segments, ".")
	signature, err := s.sign(ctx, account, []byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

type unsigned struct{}

func (unsigned) algorithm() string                                    { return "none" }
func (unsigned) account(context.Context) (string, error)              { return emulatorAccount, nil }
func (unsigned) sign(context.Context, string, []byte) ([]byte, error) { return nil, nil }

type keySigner struct {
	email string
	key   *rsa.PrivateKey
}

func (keySigner) algorithm() string                         { return "RS256" }
func (s keySigner) account(context.Context) (string, error) { return s.email, nil }

func (s keySigner) sign(_ context.Context, _ string, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	return rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
}

type iamSigner struct {
	client   *http.Client
	metadata *http.Client
	email    string // empty: the machine's
	ofUser   bool   // a user's credentials
}

func (iamSigner) algorithm() string { return "RS256" }

func (s iamSigner) account(ctx context.Context) (string, error) {
	switch {
	case s.ofUser:
		return "", errNoSigner
	case s.email != "":
		return s.email, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metadataAccount, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Metadata-Flavor", "Google")
	response, err := s.metadata.Do(request)
	if err != nil {
		return "", ErrUnreachable.With(plain(err))
	}
	defer func() { _ = response.Body.Close() }()
	name, err := readAnswer(response.Body, maxAnswerBytes)
	email := strings.TrimSpace(string(name))
	if err != nil || response.StatusCode != http.StatusOK || !possibleEmail(email) {
		return "", ErrUnreachable.With(errors.New("the metadata server names no service account"))
	}
	return email, nil
}

// sign follows https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob.
func (s iamSigner) sign(ctx context.Context, account string, input []byte) ([]byte, error) {
	body, err := json.Marshal(map[string][]byte{"payload": input})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf(signBlobURL, account), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body) // bounded by the wire
	if err != nil {
		return nil, err
	}
	var answer struct {
		SignedBlob []byte `json:"signedBlob"`
	}
	if err := json.Unmarshal(content, &answer); err != nil || len(answer.SignedBlob) == 0 {
		return nil, errors.New("the answer lacks a signature")
	}
	return answer.SignedBlob, nil
}
