package doctor

import (
	"strings"
	"testing"

	"auth-v2-service/internal/schema"
)

func TestJudgeHashes(t *testing.T) {
	t.Parallel()
	const usual = 7
	for name, c := range map[string]struct {
		more       schema.HashKind
		level      Level
		found, say string
	}{
		"usual costs":      {schema.HashKind{Kind: "2y", Cost: 12, People: 3}, Green, "3 of $2y$ with cost 12", ""},
		"no password":      {schema.HashKind{Kind: "mark", People: 3}, Green, "3 that no password fits", ""},
		"a heavy cost":     {schema.HashKind{Kind: "2b", Cost: 14, People: 3}, Yellow, "3 of $2b$ with cost 14", "3 have a cost above 12"},
		"above the bound":  {schema.HashKind{Kind: "2b", Cost: 17, People: 3}, Red, "3 of $2b$ with cost 17", "the 3 of a cost above 14"},
		"the highest cost": {schema.HashKind{Kind: "2x", Cost: 31, People: 3}, Red, "3 of $2x$ with cost 31", "BCRYPT_MAX_COST"},
		"a low cost":       {schema.HashKind{Kind: "2a", Cost: 4, People: 3}, Yellow, "3 of $2a$ with cost 4", "under 10"},
		"another scheme":   {schema.HashKind{Kind: "unknown", People: 3}, Red, "3 that are not bcrypt's", "reset their passwords"},
	} {
		f := judgeHashes([]schema.HashKind{{Kind: "2b", Cost: 10, People: usual}, c.more}, 14)
		if f.Level != c.level || !strings.Contains(f.Found, c.found) || !strings.Contains(f.Advice, c.say) || (c.say == "") != (f.Advice == "") {
			t.Errorf("%s: %s, %q, %q", name, f.Level, f.Found, f.Advice)
		}
	}
}
