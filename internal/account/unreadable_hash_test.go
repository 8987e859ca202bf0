package account

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"auth-v2-service/internal/password"
)

func TestProveRow_SaysWhichHashCannotBeChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stored storedPassword
		doctor bool
		silent bool
	}{
		"no bcrypt":             {stored: storedPassword{hash: new("MD5")}, doctor: true},
		"unusable":              {stored: storedPassword{hash: new(unusable)}, silent: true},
		"Firebase's, malformed": {stored: storedPassword{hash: new("x"), firebase: &password.ScryptHash{}}},
	} {
		var log bytes.Buffer
		s := &Service{log: slog.New(slog.NewTextHandler(&log, nil))}
		p := candidate{stored: c.stored, passwords: password.New(password.Options{})}
		if err := s.proveRow(t.Context(), p, "TestPassword123"); !errors.Is(err, ErrInvalidCredentials) {
			t.Errorf("%s: answered %v", name, err)
		}
		if doctor := strings.Contains(log.String(), "doctor"); doctor != c.doctor || (log.Len() == 0) != c.silent {
			t.Errorf("%s: the log says %q", name, log.String())
		}
	}
}
