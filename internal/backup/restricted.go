package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// restricted requires a script that disables psql's commands. Programs before August 2025 let a dump run commands here (CVE-2025-8714,
// CVE-2025-8715).
func restricted(script io.Reader) (io.Reader, error) {
	reader := bufio.NewReader(script)
	var head strings.Builder
	for {
		line, err := reader.ReadString('\n')
		head.WriteString(line)
		switch {
		case errors.Is(err, io.EOF) && strings.TrimSpace(line) == "": // no archive: pg_restore says why
			return strings.NewReader(head.String()), nil
		case strings.HasPrefix(line, `\restrict `):
			return io.MultiReader(strings.NewReader(head.String()), reader), nil
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("pg_restore: %w", err)
		case strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "--"):
			return nil, errors.New("pg_restore does not protect this machine from what is in a dump: install PostgreSQL's client programs " +
				"of version 13.22, 14.19, 15.14, 16.10, 17.6, 18 or later")
		}
	}
}
