package user

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
)

// F8, F9
func TestSignedIn_MovesLastLoginOfWhoGetsIn_F8(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	authTime := time.Now().Truncate(time.Second)
	cases := map[string]struct {
		row                    string // is_active, federation_status, tokens_valid_after
		moves, finishes, admit bool
	}{
		"active":                       {"true, 'active', NULL", true, false, true},
		"an old row that does not say": {"NULL, NULL, NULL", true, false, true},
		"a registration cut short":     {"true, 'syncing', NULL", true, true, true},
		"failed to synchronize":        {"true, 'failed', NULL", true, false, true},
		"revoked before":               {"true, 'active', now() - interval '1 minute'", true, false, true},
		"revoked since":                {"true, 'active', now() + interval '1 minute'", false, false, false},
		"deactivated":                  {"false, 'active', NULL", false, false, false},
		"deactivated while syncing":    {"false, 'syncing', NULL", false, false, false},
		"disabled at Firebase":         {"true, 'disabled', NULL", false, false, false},
	}
	for what, c := range cases {
		id := uuid.New()
		_, err := s.pool.Exec(t.Context(), `INSERT INTO auth.users
			(id, firebase_uid, auth_provider, email, updated_at, last_login, is_active, federation_status, tokens_valid_after)
			VALUES ($1, $2, 'firebase', $3, '2020-01-01', '2020-01-01', `+c.row+`)`, id, id.String(), id.String()+"@example.com")
		if err != nil {
			t.Fatal(err)
		}
		u, err := s.SignedIn(t.Context(), token.Claims{
			Subject: id.String(), Email: id.String() + "@example.com", AuthTime: authTime, SignInProvider: "password",
		})
		if err != nil || u.ID != id || (u.Admit(token.Claims{AuthTime: authTime}) == nil) != c.admit {
			t.Errorf("%s: SignedIn answered %+v, %v", what, u, err)
		}
		var moved, updated, synced bool
		err = s.pool.QueryRow(t.Context(), `SELECT last_login > '2020-01-01', updated_at > '2020-01-01', last_firebase_sync IS NOT NULL
			FROM auth.users WHERE id = $1`, id).Scan(&moved, &updated, &synced)
		if err != nil {
			t.Fatal(err)
		}
		if moved != c.moves || updated != c.finishes || synced != c.finishes {
			t.Errorf("%s: last_login moved: %t, updated_at: %t, last_firebase_sync: %t; expected %t, %t, %t",
				what, moved, updated, synced, c.moves, c.finishes, c.finishes)
		}
	}
}
