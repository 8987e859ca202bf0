package token_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/token"
)

func BenchmarkVerify(b *testing.B) {
	now := time.Now()
	verifier := verifierAt(b, now)
	good := idToken(now, kid, firstKey())

	verify := func(compact string, accepted bool) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(context.Background(), compact); (err == nil) != accepted {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("good", verify(good, true))
	b.Run("bare RSA", func(b *testing.B) { benchBareRSA(b, good) })
	b.Run("Admin SDK", func(b *testing.B) {
		sdk := adminSDK(b, listedKeys(now))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sdk.VerifyIDToken(context.Background(), good); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bad signature", verify(compact(headerOf(kid), jsonText(payload(now)), rs256(strangerKey())), false))
	b.Run("another project", verify(idToken(now, kid, firstKey(), set("aud", "other")), false))
	b.Run("unknown kid", verify(idToken(now, kidStranger, strangerKey()), false))
	b.Run("garbage of 8 KiB", verify(strings.Repeat("a", 8<<10), false))
	b.Run("good, in parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := verifier.Verify(context.Background(), good); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func benchBareRSA(b *testing.B, compact string) {
	at := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[at+1:])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		digest := sha256.Sum256([]byte(compact[:at]))
		if err := rsa.VerifyPKCS1v15(&firstKey().PublicKey, crypto.SHA256, digest[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLegacy(b *testing.B) {
	now := time.Now()
	verifier, legacy := verifierAt(b, now), newLegacy(b, now)
	body := jsonText(legacyAccess(now))
	verify := func(compact string, accepted bool) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(context.Background(), compact); (err == nil) != accepted {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("good", verify(compact(legacyHeader, body, hs256([]byte(accessSecret))), true))
	b.Run("good, previous secret", verify(compact(legacyHeader, body, hs256([]byte(accessPrevious))), true))
	b.Run("bad signature", verify(compact(legacyHeader, body, hs256([]byte("a stranger's"))), false))
	b.Run("refresh token", verify(compact(legacyHeader, jsonText(legacyRefresh(now)), hs256([]byte(refreshSecret))), false))
	b.Run("sign access", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			legacy.Access(token.AccessClaims{UserID: userID, Email: "jane@example.com", SessionID: sessionID, AuthTime: now, IssuedAt: now})
		}
	})
	refresh := token.RefreshClaims{UserID: userID, SessionID: sessionID, ID: "1", IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	b.Run("sign refresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			legacy.Refresh(refresh)
		}
	})
	b.Run("verify refresh", func(b *testing.B) {
		text := legacy.Refresh(refresh)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := legacy.VerifyRefresh(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
