package identity_test

import (
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func verified(t *testing.T, s served, compact string) object {
	t.Helper()
	claims, err := verify(s, compact)
	if err != nil {
		t.Fatalf("token does not verify: %v", err)
	}
	return claims
}

func verify(s served, compact string) (object, error) {
	published := s.do("GET", "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com", nil, "").body
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation()).
		ParseWithClaims(compact, claims, func(token *jwt.Token) (any, error) {
			id, _ := token.Header["kid"].(string)
			text, found := published[id].(string)
			if !found {
				return nil, jwt.ErrTokenUnverifiable
			}
			block, _ := pem.Decode([]byte(text))
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			return certificate.PublicKey, nil
		})
	return object(claims), err
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %v (%T), want %v (%T)", what, got, got, want, want)
	}
}
