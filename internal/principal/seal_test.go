package principal

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

func newTestSealer(t testing.TB, secret string) sealer {
	t.Helper()
	s, err := newSealer([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// filled sets every field, future ones included.
func filled(t testing.TB) (u user.User) {
	t.Helper()
	fields := reflect.ValueOf(&u).Elem()
	instant := time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)
	for i := range fields.NumField() {
		switch field := fields.Field(i); field.Interface().(type) {
		case string:
			field.SetString("a " + fields.Type().Field(i).Name)
		case bool:
			field.SetBool(true)
		case int32:
			field.SetInt(7)
		case uuid.UUID:
			field.Set(reflect.ValueOf(uuid.New()))
		case []uuid.UUID:
			field.Set(reflect.ValueOf([]uuid.UUID{uuid.New(), uuid.New()}))
		case time.Time:
			field.Set(reflect.ValueOf(instant))
		case *time.Time:
			field.Set(reflect.ValueOf(&instant))
		default:
			t.Fatalf("nobody has said how %s is filled", fields.Type().Field(i).Name)
		}
	}
	return u
}

func TestSealer_KeepsEveryField_E2(t *testing.T) {
	t.Parallel()
	s, u, readAt := newTestSealer(t, "a secret"), filled(t), time.Now().Truncate(time.Microsecond)
	whose := factsKey{id: u.ID, kind: token.KindLegacy}
	sealed, err := s.seal(whose, u, readAt)
	if err != nil {
		t.Fatal(err)
	}
	got, at, err := s.open(whose, sealed)
	if err != nil || !reflect.DeepEqual(got, u) || !at.Equal(readAt) {
		t.Errorf("E2: sealed %+v of %s, opened %+v of %s (%v)", u, readAt, got, at, err)
	}
	if strings.Contains(string(sealed), u.Email) || strings.Contains(string(sealed), u.Username) {
		t.Error("T7: Redis can read the facts")
	}
	again, err := s.seal(whose, u, readAt)
	if err != nil || slices.Equal(sealed, again) {
		t.Errorf("sealing the same twice gave the same (%v): the nonce repeats", err)
	}
}

func TestSealer_OpensNothingElse_T7(t *testing.T) {
	t.Parallel()
	s := newTestSealer(t, "a secret")
	whose := factsKey{id: uuid.New(), kind: token.KindFirebase}
	sealed, err := s.seal(whose, user.User{ID: whose.id, IsActive: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, by sealer, whose factsKey, sealed []byte) {
		t.Helper()
		if u, _, err := by.open(whose, sealed); !errors.Is(err, errNotSealed) {
			t.Errorf("T7: %s: opened %+v, %v", what, u, err)
		}
	}
	refuse("another person's", s, factsKey{id: uuid.New(), kind: whose.kind}, sealed)
	refuse("another kind of token's", s, factsKey{id: whose.id, kind: token.KindLegacy}, sealed)
	refuse("another key's", newTestSealer(t, "another secret"), whose, sealed)
	refuse("nothing", s, whose, nil)
	refuse("too long", s, whose, append(slices.Clone(sealed), make([]byte, maxSealed)...))
	refuse("longer by one", s, whose, append(slices.Clone(sealed), 0))
	for i := range sealed {
		refuse("cut short", s, whose, sealed[:i])
		flipped := slices.Clone(sealed)
		flipped[i] ^= 1 << (i % 8)
		refuse("a flipped bit", s, whose, flipped)
	}
	var plain strings.Builder
	plain.WriteString(`{"User":{"ID":"` + whose.id.String() + `","IsActive":true},"ReadMicro":0}`)
	refuse("never sealed", s, whose, []byte(plain.String()))
}

func TestSealer_RefusesWhatItCannotSay(t *testing.T) {
	t.Parallel()
	s, whose := newTestSealer(t, "a secret"), factsKey{id: uuid.New(), kind: token.KindFirebase}
	for what, u := range map[string]user.User{
		"an instant beyond the year 9999": {TokensValidAfter: time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a thousand ended sessions":       {EndedSessions: make([]uuid.UUID, 1000)},
	} {
		if _, err := s.seal(whose, u, time.Now()); err == nil {
			t.Errorf("%s was sealed", what)
		}
	}
}

func TestNewSealer_RefusesNoSecret_T7(t *testing.T) {
	t.Parallel()
	if _, err := newSealer(nil); err == nil {
		t.Error("a sealer was made of no secret")
	}
}
