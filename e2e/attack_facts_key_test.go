package e2e

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/testkit/servicetest"
	"auth-v2-service/internal/user"
)

func forgeFacts(t *testing.T, secret string, u user.User) string {
	t.Helper()
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "auth-v2-service: facts in Redis", chacha20poly1305.KeySize)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(struct {
		User      user.User
		ReadMicro int64
	}{u, time.Now().UnixMicro()})
	if err != nil {
		t.Fatal(err)
	}
	shape := sha256.New()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[user.User]()) {
		_, _ = fmt.Fprintln(shape, field.Name, field.Type)
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		t.Fatal(err)
	}
	return string(aead.Seal(nonce, nonce, plain, fmt.Appendf(nil, "%x firebase %s", shape.Sum(nil), u.ID)))
}

// T7, T8: a known key opens no operation for admins. The secrets of legacy tokens are no such key.
func TestAttack_ForgedFactsOpenNoOperation_T7(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	attack := newAttacker(t, stack)
	const known = "a-key-of-facts-that-somebody-has-learnt"
	secrets := stack.Environment()
	for name, c := range map[string]struct {
		env      map[string]string
		sealed   string
		believed bool // proves that forgeFacts seals correctly
	}{
		"a learnt FACTS_KEY":           {map[string]string{"FACTS_KEY": known}, known, true},
		"the refresh secret":           {nil, secrets["JWT_REFRESH_SECRET"], false},
		"what followed from it before": {nil, "facts:" + secrets["JWT_REFRESH_SECRET"], false},
		"what follows from access":     {nil, "facts:" + secrets["JWT_ACCESS_SECRET"], false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stack.Start(t, c.env)
			uid, email := newUID(), servicetest.Email()
			token := mint(t, stack, claims(uid, email))
			self := expectUser(t, s, "first sight", token)
			forged := user.User{
				ID: self.ID, FirebaseUID: uid, AuthProvider: "firebase", Username: "forged", Email: email, Type: user.TypeAdmin,
				IsActive: true, TokenBalance: 1_000_000, FederationStatus: user.StatusActive,
			}
			key := "auth:facts:{" + self.ID.String() + "}:firebase"
			before := tierReads(t, s)
			waitFor(t, time.Minute, "the forged facts are found", func() bool {
				if err := attack.Set(t.Context(), key, forgeFacts(t, c.sealed, forged), principal.MaxFactsAge).Err(); err != nil {
					t.Fatal(err)
				}
				found := expectUser(t, s, name, token)
				if c.believed {
					return found.UserType == user.TypeAdmin
				}
				if found.UserType != "user" {
					t.Fatalf("T7: facts that %s seals are believed", name)
				}
				return tierReads(t, s)["forged"] > before["forged"]
			})
			for operation := range keyed(t) {
				for _, o := range secured {
					if o.operation == operation {
						ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+token, "Idempotency-Key", "forged").
							expect(t, "T7: with forged facts "+operation, http.StatusForbidden, "forbidden")
					}
				}
			}
		})
	}
}
