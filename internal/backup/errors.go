package backup

import (
	"errors"
	"fmt"
	"strings"
)

// Mismatch lists a backup's defects. Errors beyond those of Told mean that the check failed.
type Mismatch struct {
	File    string
	Reasons []string
}

// Error names each reason.
func (m *Mismatch) Error() string {
	if len(m.Reasons) == 1 {
		return fmt.Sprintf("%s cannot be trusted: %s", m.File, m.Reasons[0])
	}
	return fmt.Sprintf("%s cannot be trusted:\n  %s", m.File, strings.Join(m.Reasons, "\n  "))
}

func mismatch(file, reason string, args ...any) error {
	return &Mismatch{File: file, Reasons: []string{fmt.Sprintf(reason, args...)}}
}

// ErrOccupied refuses to overwrite the database.
var ErrOccupied = errors.New("the database was left as it is")

// ErrNoBackup reports that no backup suffices.
var ErrNoBackup = errors.New("there is no backup to go back to")

// Told reports a verdict, not a failed check.
func Told(err error) bool {
	var wrong *Mismatch
	return errors.As(err, &wrong) || errors.Is(err, ErrOccupied) || errors.Is(err, ErrNoBackup)
}
