package main

import (
	"bytes"
	"io"
	"slices"
)

// warnFilter prints all but INFO and DEBUG.
type warnFilter struct {
	to   io.Writer
	rest []byte
}

const maxLogLine = 1 << 20

func (q *warnFilter) Write(chunk []byte) (int, error) {
	text := slices.Concat(q.rest, chunk)
	for {
		end := bytes.IndexByte(text, '\n') + 1
		if end == 0 {
			q.rest = slices.Clone(text[:min(len(text), maxLogLine)])
			return len(chunk), nil
		}
		if isBad(text[:end]) {
			_, _ = q.to.Write(text[:end])
		}
		text = text[end:]
	}
}

func isBad(line []byte) bool {
	return !bytes.Contains(line, []byte(`"level":"INFO"`)) && !bytes.Contains(line, []byte(`"level":"DEBUG"`))
}
