package password

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// google is the example of github.com/firebase/scrypt.
func google(t testing.TB) ScryptConfig {
	t.Helper()
	return ScryptConfig{
		SignerKey:     bytesOf(t, "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="),
		SaltSeparator: bytesOf(t, "Bw=="), Rounds: 8, MemoryCost: 14,
	}
}

const (
	googleHash = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
	googleSalt = "42xEC+ixf3L2lw=="
)

func googles(t testing.TB) ScryptHash {
	t.Helper()
	hash, err := DecodeScrypt(googleHash, googleSalt)
	if err != nil {
		t.Fatal(err)
	}
	hash.Config = google(t)
	return hash
}

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// M7.
func TestVerifyScrypt_GooglesExample_M7(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	urlSafe := strings.NewReplacer("+", "-", "/", "_", "=", "")
	for _, text := range []string{googleHash, urlSafe.Replace(googleHash)} {
		hash, err := DecodeScrypt(text, urlSafe.Replace(googleSalt))
		if err != nil {
			t.Fatal(err)
		}
		hash.Config = google(t)
		if err := h.VerifyScrypt(t.Context(), hash, "user1password"); err != nil {
			t.Errorf("M7: Google's example is answered %v", err)
		}
		for _, typed := range []string{"", "user1passwor", "user1passwordx", "User1password"} {
			if err := h.VerifyScrypt(t.Context(), hash, typed); !errors.Is(err, ErrMismatch) {
				t.Errorf("%q is answered %v", typed, err)
			}
		}
	}
}

func TestVerifyScrypt_EachPartCounts(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	for what, change := range map[string]func(*ScryptHash){
		"signer key":     func(s *ScryptHash) { s.Config.SignerKey[0] ^= 1 },
		"salt separator": func(s *ScryptHash) { s.Config.SaltSeparator = nil },
		"rounds":         func(s *ScryptHash) { s.Config.Rounds = 7 },
		"memory cost":    func(s *ScryptHash) { s.Config.MemoryCost = 13 },
		"salt":           func(s *ScryptHash) { s.Salt[0] ^= 1 },
		"last byte":      func(s *ScryptHash) { s.Hash[63] ^= 1 },
	} {
		hash := googles(t)
		change(&hash)
		if err := h.VerifyScrypt(t.Context(), hash, "user1password"); !errors.Is(err, ErrMismatch) {
			t.Errorf("with another %s: %v", what, err)
		}
	}
}

func TestVerifyScrypt_Bounds(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*ScryptHash){
		"memory cost 15": func(s *ScryptHash) { s.Config.MemoryCost = 15 }, "memory cost 0": func(s *ScryptHash) { s.Config.MemoryCost = 0 },
		"memory cost -1": func(s *ScryptHash) { s.Config.MemoryCost = -1 }, "9 rounds": func(s *ScryptHash) { s.Config.Rounds = 9 },
		"no rounds": func(s *ScryptHash) { s.Config.Rounds = 0 }, "no key": func(s *ScryptHash) { s.Config.SignerKey = nil },
		"no hash and no key": func(s *ScryptHash) { s.Config.SignerKey, s.Hash = nil, nil }, "no hash": func(s *ScryptHash) { s.Hash = nil },
		"a short hash": func(s *ScryptHash) { s.Hash = s.Hash[:63] }, "a long salt": func(s *ScryptHash) { s.Salt = make([]byte, 257) },
		"a long separator": func(s *ScryptHash) { s.Config.SaltSeparator = make([]byte, 65) },
	} {
		c := newCounted(Options{})
		hash := googles(t)
		change(&hash)
		if err := c.VerifyScrypt(t.Context(), hash, "user1password"); !errors.Is(err, ErrBadScrypt) || len(c.rounds) != 0 {
			t.Errorf("%s: %v after %v", what, err, c.rounds)
		}
	}
}

func TestVerifyScrypt_SharesThePlaces(t *testing.T) {
	t.Parallel()
	h, begun := slow(t)
	hash := ScryptHash{Config: ScryptConfig{SignerKey: make([]byte, 64), Rounds: 8, MemoryCost: 14}, Hash: make([]byte, 64)}
	for range cap(h.usual.places) {
		go func() { _ = h.Verify(context.Background(), hashOfCost("2b", 10), right) }()
		<-begun
	}
	derived := false
	h.derive = func(_, _ []byte, _, _ int) ([]byte, error) { derived = true; return make([]byte, 32), nil }
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := h.VerifyScrypt(ctx, hash, right); !errors.Is(err, ErrBusy) || derived {
		t.Errorf("with every place taken: %v, computed: %t", err, derived)
	}
	h.fastest.Store(int64(time.Hour))
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.VerifyScrypt(ctx, hash, right); !errors.Is(err, ErrBusy) || derived || ctx.Err() != nil {
		t.Errorf("without the time: %v, computed: %t", err, derived)
	}
}

func TestScrypt_CostsWhatBcryptCosts(t *testing.T) {
	t.Parallel()
	if got := google(t).work(); got != 1<<DefaultCost {
		t.Errorf("Firebase's usual parameters count as %d rounds, expected those of cost %d", got, DefaultCost)
	}
	c := newCounted(Options{})
	for work := range 300 {
		before := c.rounds[LaneScrypt]
		c.spendScrypt(work)
		if got := c.rounds[LaneScrypt] - before; got != work {
			t.Errorf("%d rounds are to be spent, and %d were", work, got)
		}
	}
}

func TestSecret_IsHidden_T6(t *testing.T) {
	t.Parallel()
	hash := googles(t)
	var texts []string
	for _, value := range []any{hash, &hash, []any{hash}, hash.Config, &hash.Config, hash.Hash, map[string]any{"salt": hash.Salt}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%T"} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
		texts = append(texts, jsonOf(t, value))
		var log strings.Builder
		for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(handler).Info("a test", "value", value, slog.Group("group", "value", value))
		}
		texts = append(texts, log.String())
	}
	for what, secret := range map[string]Secret{"signer key": hash.Config.SignerKey, "hash": hash.Hash, "salt": hash.Salt} {
		for _, verb := range []string{"%v", "%#v", "%s", "%q", "%x", "%X", "% x", "%o", "%b", "%c", "%U"} {
			shown := fmt.Sprintf(verb, []byte(secret)[:4])
			for _, text := range texts {
				if strings.Contains(text, strings.Trim(strings.TrimPrefix(shown, "[]byte"), "[]{}\"")) {
					t.Errorf("T6: the %s is in %s", what, text)
				}
			}
		}
		for _, text := range texts {
			if strings.Contains(text, base64.StdEncoding.EncodeToString(secret[:6])) {
				t.Errorf("T6: the %s is in %s", what, text)
			}
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDecodeScrypt_Refusals(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString
	for what, c := range map[string]struct {
		hash, salt string
		want       error
	}{
		"withheld hash": {encoded([]byte("REDACTED")), googleSalt, ErrRedacted},
		"withheld salt": {googleHash, encoded([]byte("REDACTED")), ErrRedacted},
		"no base64":     {"!" + googleHash, googleSalt, ErrBadScrypt},
		"a line break":  {googleHash + "\n", googleSalt, ErrBadScrypt},
		"stray bits":    {strings.TrimRight(googleHash, "=")[:85] + "R", googleSalt, ErrBadScrypt},
		"a long salt":   {googleHash, strings.Repeat("A", 513), ErrBadScrypt},
	} {
		hash, err := DecodeScrypt(c.hash, c.salt)
		if !errors.Is(err, c.want) || hash.Hash != nil {
			t.Errorf("%s: %v, expected %v", what, err, c.want)
		}
		if err != nil && c.hash != "" && strings.Contains(err.Error(), c.hash) {
			t.Errorf("T6: the error quotes the hash: %v", err)
		}
	}
	if _, err := DecodeScrypt(googleHash, ""); err != nil {
		t.Errorf("an empty salt is answered %v", err)
	}
}

func FuzzDecodeScrypt(f *testing.F) {
	for _, seed := range []string{googleHash, googleSalt, "", "UkVEQUNURUQ=", "====", "-_-_", strings.Repeat("A", 600), "\x00"} {
		f.Add(seed, googleSalt, 8, 14, 64)
		f.Add(googleHash, seed, 9, 15, 0)
	}
	f.Fuzz(func(t *testing.T, hash, salt string, rounds, memory, key int) {
		c := ScryptConfig{SignerKey: make([]byte, min(max(key, 0), 512)), Rounds: rounds, MemoryCost: memory}
		decoded, err := DecodeScrypt(hash, salt)
		if decoded.Config = c; err == nil {
			err = decoded.Check()
		}
		if err != nil {
			if !errors.Is(err, ErrBadScrypt) && !errors.Is(err, ErrRedacted) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		if c.Check() != nil || len(decoded.Hash) != len(c.SignerKey) || 1<<memory*128*rounds > 16<<20 || len(decoded.Salt) > maxScryptBytes {
			t.Fatalf("accepted is %v with a hash of %d bytes", c, len(decoded.Hash))
		}
		again, err := DecodeScrypt(base64.StdEncoding.EncodeToString(decoded.Hash), base64.URLEncoding.EncodeToString(decoded.Salt))
		if err != nil || string(again.Hash) != string(decoded.Hash) || string(again.Salt) != string(decoded.Salt) {
			t.Fatalf("encoded again it is another: %v", err)
		}
	})
}
