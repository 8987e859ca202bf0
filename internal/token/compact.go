package token

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// maxTokenBytes is T1's limit. Firebase's tokens are 1 to 2 KiB; custom claims add 1,000 characters at most.
const maxTokenBytes = 8 << 10

// segmentDecoder decodes base64url without padding and without stray bits in the last character, so that one signature has
// one spelling.
var segmentDecoder = jwt.NewParser(jwt.WithStrictDecoding())

// compactToken is a JWS in compact form (RFC 7515 section 7.1), taken apart and decoded, not yet believed.
type compactToken struct {
	signed    string // header and payload as sent: what the signature covers
	header    header
	payload   []byte
	signature []byte
}

// header is the part of a JOSE header that T1 looks at. The members that would choose a key are raw, since their presence
// alone is a refusal, whatever they hold.
type header struct {
	Algorithm   string         `json:"alg"`
	KeyID       string         `json:"kid"`
	Type        jsontext.Value `json:"typ"`
	Critical    jsontext.Value `json:"crit"`
	KeySetURL   jsontext.Value `json:"jku"`
	Key         jsontext.Value `json:"jwk"`
	CertURL     jsontext.Value `json:"x5u"`
	Certificate jsontext.Value `json:"x5c"`
}

// parseCompact takes a token apart and refuses, before any cryptography, whatever T1 refuses of every family.
func parseCompact(compact string) (compactToken, error) {
	switch {
	case compact == "":
		return compactToken{}, ErrMissing
	case len(compact) > maxTokenBytes:
		return compactToken{}, malformed("longer than 8 KiB")
	case !isCompactAlphabet(compact):
		return compactToken{}, malformed("characters outside base64url")
	case strings.Count(compact, ".") != 2:
		return compactToken{}, malformed("not three segments")
	}
	lastDot := strings.LastIndexByte(compact, '.')
	token := compactToken{signed: compact[:lastDot]}
	headerSegment, payloadSegment, _ := strings.Cut(token.signed, ".")

	headerJSON, headerErr := segmentDecoder.DecodeSegment(headerSegment)
	payload, payloadErr := segmentDecoder.DecodeSegment(payloadSegment)
	signature, signatureErr := segmentDecoder.DecodeSegment(compact[lastDot+1:])
	if headerErr != nil || payloadErr != nil || signatureErr != nil {
		return compactToken{}, malformed("a segment is not strict base64url")
	}
	token.payload, token.signature = payload, signature
	if err := unmarshalStrict(headerJSON, &token.header); err != nil {
		return compactToken{}, malformed("the header is not strict JSON")
	}
	return token, token.header.check()
}

// check refuses headers that try to choose (RFC 8725 sections 3.1 and 3.10) or that demand what we do not implement.
func (h *header) check() error {
	switch {
	case h.Critical != nil:
		return malformed("header has crit")
	case h.KeySetURL != nil, h.Key != nil, h.CertURL != nil, h.Certificate != nil:
		return malformed("header brings its own key")
	case h.Type != nil && !isJWTType(h.Type):
		return malformed("header typ is not JWT")
	}
	return nil
}

// isJWTType reports whether typ names a JWT. A media type's letters have no case, and "application/" may be left out
// (RFC 7515 section 4.1.9).
func isJWTType(typ jsontext.Value) bool {
	return strings.EqualFold(string(typ), `"JWT"`) || strings.EqualFold(string(typ), `"application/jwt"`)
}

// isCompactAlphabet is asked first because Go's base64 decoders skip line breaks, even strict ones: the same token would have
// many spellings, and with them many cache keys.
func isCompactAlphabet(compact string) bool {
	for i := range len(compact) {
		if !compactAlphabet[compact[i]] {
			return false
		}
	}
	return true
}

// compactAlphabet is base64url's (RFC 4648 section 5), and the dot.
var compactAlphabet = func() (alphabet [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		alphabet[c] = true
	}
	return alphabet
}()
