package user

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/pgtest"
)

var oddAddresses = []string{
	"jane@example.com", "Jane@Example.COM", " \t\n\r\f\vjane@example.com\v\f\r\n\t ", "\u212Aelvin@example.com", "JÄNE@example.com",
	"İ@example.com", "ı@example.com", "ſ@example.com", "\u00a0jane@example.com\u00a0", "\u2003jane@example.com", "\u0085jane@example.com",
	"v@vvv.v", "\\v@example.com", "\x0bv@example.com", "", " ", "ÀÉÎ@x.y", "ǅ@x.y", "Σας@x.y", "a@b\x7f", "\x1fjane@example.com", "jane@x.y\x1c",
	"x@users.noreply.invalid", "a@b, c@d", `"a b"@c.d`, "a@[127.0.0.1]", strings.Repeat("A", 300) + "@x.y", "😀@x.y", "A\u0300@x.y",
}

// F2
func TestCanonicalEmail_AgreesWithTheDatabase(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	addresses := oddAddresses
	for r := rune(1); r < 0x3000; r++ {
		addresses = append(addresses, string(r)+"Ab"+string(r)+"Cd"+string(r))
	}
	rows, err := conn.Query(t.Context(), "SELECT auth.canonical_email(a) FROM unnest($1::text[]) WITH ORDINALITY AS t(a, n) ORDER BY n", addresses)
	if err != nil {
		t.Fatal(err)
	}
	inDatabase, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for i, address := range addresses {
		if want := fold(address); inDatabase[i] != want {
			t.Errorf("F2: the database makes %q of %q, the program %q", inDatabase[i], address, want)
		}
		if canonical, err := CanonicalEmail(address); err == nil && canonical != inDatabase[i] {
			t.Errorf("F2: the database makes %q of %q, CanonicalEmail %q", inDatabase[i], address, canonical)
		}
	}
}

// FuzzCanonicalEmail checks F2.
func FuzzCanonicalEmail(f *testing.F) {
	for _, address := range oddAddresses {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		canonical, err := CanonicalEmail(address)
		if err != nil {
			if canonical != "" {
				t.Errorf("%q is refused and answered as %q", address, canonical)
			}
			return
		}
		again, err := CanonicalEmail(canonical)
		switch {
		case err != nil || again != canonical:
			t.Errorf("%q becomes %q becomes %q (%v)", address, canonical, again, err)
		case canonical != fold(address):
			t.Errorf("%q becomes %q, the database makes %q of it", address, canonical, fold(address))
		case len(canonical) > maxEmailBytes || strings.HasSuffix(canonical, placeholderDomain) || strings.Count(canonical, "@") != 1:
			t.Errorf("%q becomes %q", address, canonical)
		}
		for _, b := range []byte(canonical) {
			if b <= ' ' || b >= utf8.RuneSelf-1 || 'A' <= b && b <= 'Z' {
				t.Errorf("%q becomes %q with byte %#x", address, canonical, b)
			}
		}
	})
}

func fold(address string) string { return asciiLower(strings.Trim(address, asciiSpace)) }
