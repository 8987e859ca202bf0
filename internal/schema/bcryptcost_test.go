package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/password"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestBcryptCost_AgreesWithTheProgram(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rest := strings.Repeat("x", 53)
	texts := []string{
		"", "!", "$2b$10$", "$2b$10$" + rest[1:], "$2b$10$" + rest + "x", "$2b$10$" + rest + "\n", "\n$2b$10$" + rest, "$2b$10$" + rest[1:] + "$",
		"$2b$+9$" + rest, "$2b$ 9$" + rest, "$2b$1$" + rest, "$2b$100$" + rest, "$2b$\u0661\u0660$" + rest, "$1$10$" + rest, "$2B$10$" + rest,
		"$2b$10$" + strings.Repeat("\u00e9", 53), "$argon2id$v=19$m=65536", "$6$10$" + rest,
	}
	for cost := range 100 {
		texts = append(texts, fmt.Sprintf("$2$%02d$%s", cost, rest))
		for _, dialect := range "abcxyz" {
			texts = append(texts, fmt.Sprintf("$2%c$%02d$%s", dialect, cost, rest))
		}
	}
	rows, err := conn.Query(t.Context(), "SELECT auth.bcrypt_cost(h) FROM unnest($1::text[]) WITH ORDINALITY AS t(h, n) ORDER BY n", texts)
	if err != nil {
		t.Fatal(err)
	}
	inDatabase, err := pgx.CollectRows(rows, pgx.RowTo[*int])
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		cost, err := password.CostOf(text)
		if (err == nil) != (inDatabase[i] != nil) || err == nil && cost != *inDatabase[i] {
			t.Errorf("%q: the program reads %d (%v), the database %v", text, cost, err, inDatabase[i])
		}
	}
}
