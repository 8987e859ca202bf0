package password

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const right, wrong = "TestPassword123", "WrongPassword1"

// A hash that ends in "R" fits the password right.
type counted struct {
	*Hasher
	lanes  []string
	rounds map[string]int
}

func newCounted(o Options) *counted {
	c := &counted{rounds: map[string]int{}}
	o.OnWork = func(lane string, rounds int) {
		if len(c.lanes) == 0 || c.lanes[len(c.lanes)-1] != lane {
			c.lanes = append(c.lanes, lane)
		}
		c.rounds[lane] += rounds
	}
	c.Hasher = New(o)
	c.compare = func(hash, password []byte) error {
		if strings.HasSuffix(string(hash), "R") && string(password) == right {
			return nil
		}
		return bcrypt.ErrMismatchedHashAndPassword
	}
	c.derive = func(password, _ []byte, _, _ int) ([]byte, error) { return deriveScrypt(password, nil, 1, 1) }
	return c
}

func hashOfCost(dialect string, cost int) string {
	return fmt.Sprintf("$%s$%02d$%sR", dialect, cost, strings.Repeat("x", 52))
}

func rows() map[string]string {
	out := map[string]string{
		"no password": Unusable, "empty": "", "MD5": "5f4dcc3b5aa765d61d8327deb882cf99", "argon2": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
		"scrypt": "$s0$e0801$epIxT/h6HbbwHaehFnh/bw==$7H0vsXlY8UxxyW/BWx/9GuY7jEvGjT71GFd6O4SZND0=", "SHA-512": "$6$salt$" + strings.Repeat("x", 86),
		"too short": hashOfCost("2b", 10)[:59], "too long": hashOfCost("2b", 10) + "x", "cost 3": hashOfCost("2b", 3), "cost 32": hashOfCost("2b", 32),
		"cost 99": hashOfCost("2b", 99), "no cost": "$2b$xx$" + strings.Repeat("x", 53), "dialect 2z": hashOfCost("2z", 10), "dialect 3a": hashOfCost("3a", 10),
		"no base64": "$2b$10$" + strings.Repeat("x", 20) + "!" + strings.Repeat("x", 32), "line break": hashOfCost("2b", 10) + "\n",
	}
	for cost := 4; cost <= 31; cost++ {
		out[fmt.Sprintf("cost %d", cost)] = hashOfCost("2b", cost)
	}
	for _, dialect := range []string{"2", "2a", "2b", "2x", "2y"} {
		out["dialect "+dialect] = hashOfCost(dialect, 10)
	}
	return out
}

func scryptRows() map[string]ScryptHash {
	out := map[string]ScryptHash{}
	for memory := 1; memory <= maxScryptMemory; memory++ {
		for rounds := 1; rounds <= maxScryptRounds; rounds++ {
			out[fmt.Sprintf("memory cost %d, %d rounds", memory, rounds)] = ScryptHash{
				Config: ScryptConfig{SignerKey: make([]byte, 64), Rounds: rounds, MemoryCost: memory}, Hash: make([]byte, 64),
			}
		}
	}
	out["no hash"] = ScryptHash{}
	return out
}

// A3: work is counted, not timed.
func TestAttempt_ARefusalCostsTheSame(t *testing.T) {
	t.Parallel()
	for name, ceilings := range map[string]Ceilings{
		"no hashes": {}, "usual costs": {Usual: 12}, "the platform's": {Usual: 10}, "heavy costs": {Usual: 10, Heavy: 14}, "heavy alone": {Heavy: 13},
		"Firebase's alone": {Scrypt: ScryptWork(8 << 14)}, "Firebase's, weak": {Usual: 10, Scrypt: ScryptWork(3 << 9)},
		"Firebase's too": {Usual: 10, Scrypt: ScryptWork(8 << 14)}, "all": {Usual: 12, Heavy: 13, Scrypt: ScryptWork(7 << 14)},
	} {
		unknown := newCounted(Options{})
		attempt := unknown.Attempt()
		attempt.Expect(ceilings)
		if err := attempt.Refuse(t.Context()); err != nil {
			t.Fatal(err)
		}
		for row, hash := range rows() {
			cost, _ := CostOf(hash)
			if cost <= UsualCost && cost > ceilings.Usual || cost > UsualCost && cost <= DefaultMaxCost && cost > ceilings.Heavy {
				continue
			}
			c := refusedBy(t, ceilings, func(a *Attempt) error { return a.Verify(t.Context(), hash, wrong) })
			if !maps.Equal(c.rounds, unknown.rounds) || fmt.Sprint(c.lanes) != fmt.Sprint(unknown.lanes) {
				t.Errorf("%s, %s: a refusal cost %v in %v, and without a row %v in %v", name, row, c.rounds, c.lanes, unknown.rounds, unknown.lanes)
			}
		}
		for row, hash := range scryptRows() {
			if hash.Check() == nil && hash.Config.work() > ceilings.Scrypt {
				continue
			}
			c := refusedBy(t, ceilings, func(a *Attempt) error { return a.VerifyScrypt(t.Context(), hash, wrong) })
			if !maps.Equal(c.rounds, unknown.rounds) {
				t.Errorf("%s, %s: a refusal cost %v, and without a row %v", name, row, c.rounds, unknown.rounds)
			}
		}
	}
}

func refusedBy(t *testing.T, ceilings Ceilings, verify func(*Attempt) error) *counted {
	t.Helper()
	c := newCounted(Options{})
	attempt := c.Attempt()
	attempt.Expect(ceilings)
	if err := verify(attempt); err == nil || errors.Is(err, ErrBusy) {
		t.Errorf("the wrong password is answered %v", err)
	}
	if err := attempt.Refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHasher_CostsByPlaceAndResult(t *testing.T) {
	t.Parallel()
	for row, hash := range rows() {
		c := newCounted(Options{MaxCost: 14})
		err := c.Verify(t.Context(), hash, right)
		cost, none := CostOf(hash)
		want, rounds := error(nil), map[string]int{}
		switch {
		case none != nil:
			want = ErrNotBcrypt
		case cost > 14:
			want = ErrTooCostly
		case cost > UsualCost:
			rounds[LaneHeavy] = 1 << cost
		default:
			rounds[LaneUsual] = 1 << cost
		}
		if !errors.Is(err, want) || !maps.Equal(c.rounds, rounds) {
			t.Errorf("%s: %v after %v, expected %v after %v", row, err, c.rounds, want, rounds)
		}
	}
}

func TestHasher_RealHashes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 8)
	for _, typed := range []string{right, "grüße 😀", "four", long} {
		made, err := bcrypt.GenerateFromPassword([]byte(typed)[:min(len(typed), 72)], bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		for _, dialect := range []string{"2a", "2b", "2x", "2y"} {
			hash := "$" + dialect + string(made)[3:]
			h := New(Options{})
			if err := h.Verify(t.Context(), hash, typed); err != nil {
				t.Errorf("%s: %q is answered %v", dialect, typed, err)
			}
			if err := h.Verify(t.Context(), hash, wrong); !errors.Is(err, ErrMismatch) {
				t.Errorf("%s: a wrong password is answered %v", dialect, err)
			}
		}
	}
	h := New(Options{})
	if hash, err := h.Hash(t.Context(), long); err != nil || hash != Unusable {
		t.Errorf("a password beyond 72 bytes is hashed as %q, %v", hash, err)
	}
	hash, err := h.Hash(t.Context(), right)
	if cost, _ := CostOf(hash); err != nil || cost != DefaultCost || h.Verify(t.Context(), hash, right) != nil {
		t.Errorf("a new hash has cost %d (%v) or does not fit", cost, err)
	}
}

func slow(t *testing.T) (h *Hasher, begun chan struct{}) {
	h, begun = New(Options{}), make(chan struct{}, 64)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	h.compare = func([]byte, []byte) error {
		begun <- struct{}{}
		<-release
		return nil
	}
	return h, begun
}

func TestHasher_PlacesAndEnds(t *testing.T) {
	t.Parallel()
	h, begun := slow(t)
	ctx, hangUp := context.WithCancel(t.Context())
	answers := make(chan error, 3)
	go func() { answers <- h.Verify(ctx, hashOfCost("2b", 14), right) }()
	<-begun
	h.compare = func([]byte, []byte) error { return nil }
	if err := h.Verify(t.Context(), hashOfCost("2b", 10), right); err != nil {
		t.Errorf("beside a hash of cost 14, one of cost 10 is answered %v", err)
	}
	go func() { answers <- h.Verify(t.Context(), hashOfCost("2b", 13), right) }() // waits for the only place
	hangUp()
	if err := <-answers; !errors.Is(err, ErrBusy) {
		t.Errorf("the caller that has hung up is answered %v", err)
	}
	h.Stop()
	if err := <-answers; !errors.Is(err, ErrBusy) {
		t.Errorf("at a stop the caller in the queue is answered %v", err)
	}
}

func TestHasher_NothingBeyondTheRequest(t *testing.T) {
	t.Parallel()
	c := newCounted(Options{})
	c.fastest.Store(int64(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, cost := range []int{10, 14} {
		if err := c.Verify(ctx, hashOfCost("2b", cost), right); !errors.Is(err, ErrBusy) || len(c.rounds) != 0 {
			t.Errorf("cost %d is answered %v after %v", cost, err, c.rounds)
		}
	}
	if err := c.Verify(ctx, hashOfCost("2b", 4), right); err != nil {
		t.Errorf("cost 4 is answered %v", err)
	}
}
