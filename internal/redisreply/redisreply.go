// Package redisreply limits what a Redis server can make the client allocate. go-redis trusts announced lengths (*2000000000 takes 32 GB),
// and nested replies overflow its stack.
package redisreply

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// INFO, doctor's request, has 10 KiB.
const (
	maxBytes    = 1 << 20
	maxElements = 1024 // per aggregate
	maxDepth    = 8
)

var errTooLarge = errors.New("redisreply: the server announces or sends a longer or deeper reply than it may")

// Bound makes connections refuse replies beyond the limits. Call it last: it wraps options.Dialer.
func Bound(options *redis.Options) {
	dial := options.Dialer
	if dial == nil {
		dial = redis.NewDialer(options)
	}
	options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		bounded := &boundedConn{Conn: conn}
		if socket, ok := conn.(syscall.Conn); ok {
			return &boundedSocket{boundedConn: bounded, Conn: socket}, nil // the client probes idle sockets
		}
		return bounded, nil
	}
}

type boundedConn struct {
	net.Conn
	replies scanner
	err     error
}

type boundedSocket struct {
	*boundedConn
	syscall.Conn
}

// Read implements net.Conn.
func (c *boundedConn) Read(into []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Conn.Read(into)
	if c.err = c.replies.scan(into[:n]); c.err != nil {
		return 0, c.err
	}
	return n, err
}

// scanner parses the framing of RESP 2 and 3.
type scanner struct {
	line []byte
	skip int   // bytes left of a string
	open []int // elements left per open aggregate
	size int
}

func (s *scanner) scan(sent []byte) error {
	for len(sent) > 0 {
		n := min(s.skip, len(sent))
		if s.skip == 0 {
			if n = bytes.IndexByte(sent, '\n') + 1; n == 0 {
				n = len(sent)
			}
			s.line = append(s.line, sent[:n]...)
		} else if s.skip -= n; s.skip == 0 {
			s.complete()
		}
		sent = sent[n:]
		if s.size += n; s.size > maxBytes {
			return errTooLarge
		}
		if bytes.HasSuffix(s.line, []byte("\n")) {
			if err := s.header(string(bytes.TrimRight(s.line, "\r\n"))); err != nil {
				return err
			}
			s.line = s.line[:0]
		}
	}
	return nil
}

// The client refuses invalid replies.
func (s *scanner) header(line string) error {
	if line == "" {
		return nil
	}
	length, err := strconv.Atoi(line[1:])
	if err != nil {
		length = -1 // null, too
	}
	switch line[0] {
	case '$', '=', '!':
		return s.text(length)
	case '*', '~', '>':
		return s.aggregate(length, 1)
	case '%', '|':
		return s.aggregate(length, 2)
	}
	s.complete()
	return nil
}

func (s *scanner) text(length int) error {
	switch {
	case length > maxBytes:
		return errTooLarge
	case length < 0:
		s.complete()
	default:
		s.skip = length + len("\r\n")
	}
	return nil
}

func (s *scanner) aggregate(length, each int) error {
	switch {
	case length > maxElements || len(s.open) == maxDepth:
		return errTooLarge
	case length <= 0:
		s.complete()
	default:
		s.open = append(s.open, length*each)
	}
	return nil
}

func (s *scanner) complete() {
	for len(s.open) > 0 {
		last := len(s.open) - 1
		if s.open[last]--; s.open[last] > 0 {
			return
		}
		s.open = s.open[:last]
	}
	s.size = 0
}
