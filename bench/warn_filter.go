package main

import (
	"bytes"
	"io"
	"slices"
)

// warnFilter reads the service's log as whatever collects it in production would, and shows what is worse than news.
type warnFilter struct {
	to   io.Writer
	rest []byte
}

// maxLogLine bounds what is kept of a line that does not end.
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
			_, _ = q.to.Write(text[:end]) // nobody to tell that it cannot be told
		}
		text = text[end:]
	}
}

func isBad(line []byte) bool {
	return !bytes.Contains(line, []byte(`"level":"INFO"`)) && !bytes.Contains(line, []byte(`"level":"DEBUG"`))
}
