package token

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// maxTokenBytes is T1's limit. Firebase's tokens have 1 to 2 KiB.
const maxTokenBytes = 8 << 10

// segmentDecoder refuses padding and stray bits: a signature has one spelling.
var segmentDecoder = jwt.NewParser(jwt.WithStrictDecoding())

// compactToken is an unverified JWS (RFC 7515 section 7.1).
type compactToken struct {
	signed    string
	header    header
	payload   []byte
	signature []byte
}

// header holds the members of T1. A raw member other than typ is refused with any value.
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

// parseCompact refuses what T1 refuses in every family, before any cryptography.
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

// check refuses a header that chooses its key (RFC 8725 sections 3.1 and 3.10).
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

// isJWTType follows RFC 7515 section 4.1.9: no case, "application/" is optional.
func isJWTType(typ jsontext.Value) bool {
	return strings.EqualFold(string(typ), `"JWT"`) || strings.EqualFold(string(typ), `"application/jwt"`)
}

// isCompactAlphabet refuses line breaks, which Go's base64 decoders skip: a token would have many cache keys.
func isCompactAlphabet(compact string) bool {
	for i := range len(compact) {
		if !compactAlphabet[compact[i]] {
			return false
		}
	}
	return true
}

// compactAlphabet is base64url's (RFC 4648 section 5) and the dot.
var compactAlphabet = func() (alphabet [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		alphabet[c] = true
	}
	return alphabet
}()
