package password

import (
	"fmt"
	"io"
)

// Secret is a key, hash or salt that fmt, encoding/json and log/slog do not show.
type Secret []byte

const hidden = "hidden"

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
