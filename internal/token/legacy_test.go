package token_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
)

// T1, T2, T8, F1.
func TestVerify_TableOfLegacyTokens(t *testing.T) {
	emulated := newVerifier(t, token.VerifierOptions{AllowUnsigned: true, Legacy: newLegacy(t, noon), Clock: newClock(noon).Now})
	off := verifierAt(t, noon, func(o *token.VerifierOptions) { o.Legacy = nil })
	for mode, verifier := range map[string]*token.Verifier{"signed": verifierAt(t, noon), "emulator": emulated} {
		for _, c := range legacyAccessCases(noon) {
			t.Run(mode+"/"+c.rule+"/"+c.name, func(t *testing.T) {
				claims, err := verifier.Verify(context.Background(), c.compact)
				if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
					t.Fatalf("want %v, got %v", c.want, err)
				}
				if err != nil && !reflect.DeepEqual(claims, token.Claims{}) {
					t.Fatalf("a refused token gave claims: %+v", claims)
				}
				if err == nil && (claims.Kind != token.KindLegacy || claims.UserID != userID || claims.Subject != "" || claims.EmailVerified) {
					t.Fatalf("claims of an accepted token: %+v", claims)
				}
			})
		}
	}
	for _, c := range legacyAccessCases(noon) {
		want := token.ErrMalformed
		if c.compact == "" {
			want = token.ErrMissing
		}
		if _, err := off.Verify(context.Background(), c.compact); !errors.Is(err, want) {
			t.Errorf("LEGACY_TOKENS=off, %s: want %v, got %v", c.name, want, err)
		}
	}
}

// T8, A5.
func TestVerifyRefresh_Table(t *testing.T) {
	legacy := newLegacy(t, noon)
	for _, c := range legacyRefreshCases(noon) {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			claims, err := legacy.VerifyRefresh(c.compact)
			if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Fatalf("want %v, got %v", c.want, err)
			}
			if err != nil && claims != (token.RefreshClaims{}) {
				t.Fatalf("a refused token gave claims: %+v", claims)
			}
			if err == nil && (claims.UserID != userID || claims.SessionID == uuid.Nil || (claims.ID == "") != claims.Foreign) {
				t.Fatalf("claims of an accepted token: %+v", claims)
			}
		})
	}
}

// T8.
func TestLegacy_NoTokenIsOfBothKinds(t *testing.T) {
	verifier, legacy := verifierAt(t, noon), newLegacy(t, noon)
	for _, c := range legacyAccessCases(noon) {
		if _, err := legacy.VerifyRefresh(c.compact); c.want == nil && !errors.Is(err, token.ErrMalformed) {
			t.Errorf("access token %q as a refresh token: %v", c.name, err)
		}
	}
	for _, c := range legacyRefreshCases(noon) {
		if _, err := verifier.Verify(context.Background(), c.compact); c.want == nil && !errors.Is(err, token.ErrMalformed) {
			t.Errorf("refresh token %q as an access token: %v", c.name, err)
		}
	}
}

// T6.
func TestLegacy_RefusalsHoldNoPartOfTheToken(t *testing.T) {
	verifier, legacy := verifierAt(t, noon), newLegacy(t, noon)
	for _, c := range append(legacyAccessCases(noon), legacyRefreshCases(noon)...) {
		_, accessErr := verifier.Verify(context.Background(), c.compact)
		_, refreshErr := legacy.VerifyRefresh(c.compact)
		for _, err := range []error{accessErr, refreshErr} {
			if err == nil {
				continue
			}
			for _, secret := range []string{"jane", userID.String()[:8], sessionID.String()[:8], "turn-1", "OR 1=1", "evil"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: %q is in %q", c.name, secret, err)
				}
			}
		}
	}
}

func TestLegacy_TokensToTheByte(t *testing.T) {
	legacy := newLegacy(t, noon)
	access, life := legacy.Access(token.AccessClaims{
		UserID: userID, Email: "jane@example.com", UserType: "user", SessionID: sessionID, AuthTime: noon.Add(-time.Hour), IssuedAt: noon,
	})
	refresh := legacy.Refresh(token.RefreshClaims{UserID: userID, SessionID: sessionID, ID: "turn-1", IssuedAt: noon, ExpiresAt: noon.Add(time.Hour)})
	old, _ := legacy.Access(token.AccessClaims{UserID: userID, Email: "jane@example.com", UserType: "user", IssuedAt: noon})
	for name, c := range map[string]struct{ got, secret, body string }{
		"access": {access, accessSecret, `{"id":"0f8e2c9a-4b1d-4c3e-9a7f-1d2e3f4a5b6c","email":"jane@example.com","user_type":"user",` +
			`"auth_time":1795518000,"sid":"7c6b5a4f-3e2d-4f1a-8f7a-9e3c1d4b2a0e","iat":1795521600,"exp":1795525200}`},
		"access of no session": {old, accessSecret, `{"id":"0f8e2c9a-4b1d-4c3e-9a7f-1d2e3f4a5b6c","email":"jane@example.com","user_type":"user",` +
			`"iat":1795521600,"exp":1795525200}`},
		"refresh": {refresh, refreshSecret, `{"id":"0f8e2c9a-4b1d-4c3e-9a7f-1d2e3f4a5b6c","sid":"7c6b5a4f-3e2d-4f1a-8f7a-9e3c1d4b2a0e",` +
			`"jti":"turn-1","iat":1795521600,"exp":1795525200}`},
	} {
		if want := compact(legacyHeader, c.body, hs256([]byte(c.secret))); c.got != want {
			_, body, _ := decoded(c.got)
			t.Errorf("%s: %s\nwant %s", name, body, c.body)
		}
	}
	if life != time.Hour || legacy.RefreshLife() != 30*24*time.Hour {
		t.Errorf("lives of %s and %s", life, legacy.RefreshLife())
	}
}

func TestLegacy_WhatIsSignedIsRead(t *testing.T) {
	legacy, verifier := newLegacy(t, noon), verifierAt(t, noon)
	text, _ := legacy.Access(token.AccessClaims{
		UserID: userID, Email: "jane@example.com", UserType: "user", SessionID: sessionID, AuthTime: noon.Add(-time.Hour), IssuedAt: noon,
	})
	got, err := verifier.Verify(context.Background(), text)
	want := token.Claims{
		Kind: token.KindLegacy, UserID: userID, SessionID: sessionID, Email: "jane@example.com",
		AuthTime: noon.Add(-time.Hour), IssuedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("access: %v\ngot  %+v\nwant %+v", err, got, want)
	}

	// T4.
	text, _ = legacy.Access(token.AccessClaims{UserID: userID, IssuedAt: noon})
	if got, err = verifier.Verify(context.Background(), text); err != nil || !got.AuthTime.Equal(noon) || got.SessionID != uuid.Nil {
		t.Errorf("access of no session: %v, %+v", err, got)
	}

	refresh := token.RefreshClaims{UserID: userID, SessionID: sessionID, ID: "turn-1", IssuedAt: noon, ExpiresAt: noon.Add(30 * 24 * time.Hour)}
	again, err := legacy.VerifyRefresh(legacy.Refresh(refresh))
	if err != nil || again != refresh {
		t.Errorf("refresh: %v\ngot  %+v\nwant %+v", err, again, refresh)
	}
}

// A5, T6.
func TestRefresh_IsDeterministic(t *testing.T) {
	one, another := newLegacy(t, noon), newLegacy(t, noon.Add(time.Hour))
	claims := token.RefreshClaims{UserID: userID, SessionID: sessionID, ID: "1", IssuedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	finer := claims
	finer.IssuedAt, finer.ExpiresAt = noon.Add(time.Millisecond).In(time.FixedZone("", 3600)), claims.ExpiresAt.Add(time.Millisecond)
	if one.Refresh(claims) != another.Refresh(finer) {
		t.Error("A5: a successor given twice is two tokens")
	}
	next := claims
	next.ID = "2"
	if one.Refresh(claims) == one.Refresh(next) {
		t.Error("A5: two turns are one token")
	}
}

func TestVerifyRefresh_ForeignSession(t *testing.T) {
	legacy := newLegacy(t, noon)
	foreign := func(edits ...func(map[string]any)) token.RefreshClaims {
		claims := legacyRefresh(noon)
		for _, edit := range append(edits, without("sid"), without("jti")) {
			edit(claims)
		}
		got, err := legacy.VerifyRefresh(compact(legacyHeader, jsonText(claims), hs256([]byte(refreshSecret))))
		if err != nil || !got.Foreign || got.ID != "" {
			t.Fatalf("%v, %+v", err, got)
		}
		return got
	}
	first, second, other := foreign(), foreign(), foreign(set("exp", noon.Add(time.Hour).Unix()))
	if first != second || first.SessionID == other.SessionID {
		t.Errorf("sessions %s, %s and %s", first.SessionID, second.SessionID, other.SessionID)
	}
	if first.SessionID.Version() != 8 || first.SessionID.Variant() != uuid.RFC4122 {
		t.Errorf("%s is no UUID of version 8", first.SessionID)
	}
}

func TestLegacy_Rotation(t *testing.T) {
	options := legacyOptions(noon)
	options.AccessSecrets, options.RefreshSecrets = []string{accessPrevious}, []string{refreshPrevious}
	before, err := token.NewLegacy(options)
	if err != nil {
		t.Fatal(err)
	}
	claims := token.RefreshClaims{UserID: userID, SessionID: sessionID, ID: "1", IssuedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	access, _ := before.Access(token.AccessClaims{UserID: userID, IssuedAt: noon})
	after, verifier := newLegacy(t, noon), verifierAt(t, noon)
	if _, err := after.VerifyRefresh(before.Refresh(claims)); err != nil {
		t.Errorf("the refresh token of before: %v", err)
	}
	if _, err := verifier.Verify(context.Background(), access); err != nil {
		t.Errorf("the access token of before: %v", err)
	}
	if _, err := before.VerifyRefresh(after.Refresh(claims)); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("the new secret does not sign: %v", err)
	}
}

func TestNewLegacy_RefusesWhatItCannotHold(t *testing.T) {
	for name, edit := range map[string]func(*token.LegacyOptions){
		"no access secret":               func(o *token.LegacyOptions) { o.AccessSecrets = nil },
		"no refresh secret":              func(o *token.LegacyOptions) { o.RefreshSecrets = nil },
		"an empty access secret":         func(o *token.LegacyOptions) { o.AccessSecrets = []string{accessSecret, ""} },
		"an empty refresh secret":        func(o *token.LegacyOptions) { o.RefreshSecrets = []string{""} },
		"a secret of both kinds":         func(o *token.LegacyOptions) { o.RefreshSecrets = []string{refreshSecret, accessPrevious} },
		"access of no life":              func(o *token.LegacyOptions) { o.AccessLife = 0 },
		"access of more than 24 hours":   func(o *token.LegacyOptions) { o.AccessLife = 24*time.Hour + 1 },
		"refresh of a negative life":     func(o *token.LegacyOptions) { o.RefreshLife = -time.Hour },
		"refresh of more than 90 days":   func(o *token.LegacyOptions) { o.RefreshLife = 90*24*time.Hour + 1 },
		"access of less than one second": func(o *token.LegacyOptions) { o.AccessLife = time.Second - 1 },
	} {
		options := legacyOptions(noon)
		edit(&options)
		_, err := token.NewLegacy(options)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, secret := range []string{accessSecret, accessPrevious, refreshSecret} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the refusal shows a secret", name)
			}
		}
	}
}

func TestNewLegacy_DefaultClock(t *testing.T) {
	options := legacyOptions(noon)
	options.Clock = nil
	legacy, err := token.NewLegacy(options)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims := token.RefreshClaims{UserID: userID, SessionID: sessionID, ID: "1", IssuedAt: now, ExpiresAt: now.Add(time.Minute)}
	if _, err := legacy.VerifyRefresh(legacy.Refresh(claims)); err != nil {
		t.Fatal(err)
	}
}
