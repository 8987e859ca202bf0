package proof

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// NewKey returns an Ed25519 key pair: the signer's secret text and the public text that checks its signatures.
func NewKey(name string) (secret, public string, err error) {
	secret, public, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	return secret, public, nil
}

// Sign returns text with a signature. text ends with a line break.
func Sign(text, secret string) (string, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return "", fmt.Errorf("the signing key is no key of a note: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return string(signed), nil
}

// Open returns the text if the key of public signed it.
func Open(signed, public string) (text string, err error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return "", fmt.Errorf("the public key is no key of a note: %w", err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return "", fmt.Errorf("the signature does not fit: %w", err)
	}
	for _, signature := range opened.Sigs { // note reads loose base64, in which two texts are one signature
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return "", fmt.Errorf("the signature does not fit: %w", err)
		}
	}
	return opened.Text, nil
}
