package telemetry

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// How long and how many bytes the lines of requests that went well wait for each other.
const (
	flushDelay = 100 * time.Millisecond
	bufferSize = 32 << 10
)

// BufferedWriter is where log lines go, one after the other. Those of requests that went well are gathered for a moment and written together,
// for a system call a request is a tenth of what a known token costs; any other line is written at once, after those before it. A
// process that is killed takes the gathered ones along, and no other.
type BufferedWriter struct {
	out   io.Writer
	delay time.Duration

	lock     sync.Mutex
	gathered []byte
	due      bool // a flush is on its way
}

// NewBufferedWriter gathers for out. Flush is to be called at the end.
func NewBufferedWriter(out io.Writer) *BufferedWriter {
	return &BufferedWriter{out: out, delay: flushDelay}
}

// Write implements io.Writer: the line is out when it returns.
func (l *BufferedWriter) Write(line []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	before := l.flush()
	n, err := l.out.Write(line)
	return n, errors.Join(before, err)
}

// Flush writes what was gathered.
func (l *BufferedWriter) Flush() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.flush()
}

func (l *BufferedWriter) flush() error {
	if len(l.gathered) == 0 {
		return nil
	}
	_, err := l.out.Write(l.gathered)
	l.gathered = l.gathered[:0] // whatever came of it: a log that cannot be written must not grow here
	if err != nil {
		return fmt.Errorf("write log lines: %w", err)
	}
	return nil
}

// bufferLine gathers a line, where lines are gathered.
func (l *BufferedWriter) bufferLine(line []byte) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.gathered = append(l.gathered, line...)
	if l.delay == 0 || len(l.gathered) >= bufferSize {
		return l.flush()
	}
	if !l.due {
		l.due = true
		time.AfterFunc(l.delay, l.flushDue)
	}
	return nil
}

func (l *BufferedWriter) flushDue() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.due = false
	_ = l.flush() // where the log cannot be written nobody can be told
}
