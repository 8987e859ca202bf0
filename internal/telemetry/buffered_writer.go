package telemetry

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	flushDelay = 100 * time.Millisecond
	bufferSize = 32 << 10
)

// BufferedWriter buffers the lines of successful requests, because a system call costs a tenth of a cached request. Other lines are written
// at once and in order. A killed process loses buffered lines only.
type BufferedWriter struct {
	out   io.Writer
	delay time.Duration

	lock     sync.Mutex
	gathered []byte
	due      bool
}

// NewBufferedWriter writes to out. Call Flush at the end.
func NewBufferedWriter(out io.Writer) *BufferedWriter {
	return &BufferedWriter{out: out, delay: flushDelay}
}

// Write implements io.Writer without buffering.
func (l *BufferedWriter) Write(line []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	before := l.flush()
	n, err := l.out.Write(line)
	return n, errors.Join(before, err)
}

// Flush writes the buffered lines.
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
	l.gathered = l.gathered[:0] // also after errors
	if err != nil {
		return fmt.Errorf("write log lines: %w", err)
	}
	return nil
}

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
	_ = l.flush()
}
