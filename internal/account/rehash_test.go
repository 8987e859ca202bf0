package account

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/password"
)

func TestRehash_ABusyMachineFailsNoSignIn_M7(t *testing.T) {
	t.Parallel()
	hasher := password.New(password.Options{})
	hasher.Stop()
	var log bytes.Buffer
	s := &Service{passwords: hasher, log: slog.New(slog.NewTextHandler(&log, nil))}
	proved := storedPassword{hash: new("x"), firebase: &password.ScryptHash{Hash: []byte("kept")}}
	stored, err := s.rehash(t.Context(), uuid.New(), proved, "TestPassword123")
	if err != nil || !stored.equal(proved) {
		t.Errorf("M7: a right password goes on with %v, %v", stored, err)
	}
	if log.Len() == 0 {
		t.Error("the log does not say that the hash stays")
	}
}
