// Package redisreply bounds what a Redis server can make the client allocate. The client believes the lengths that a reply announces:
// one line, *2000000000, makes it take 32 GB, and replies nested without end overflow its stack, which ends the process. Redis is an
// optional dependency, so an answer of either kind is an error of its connection and no more.
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

// What a reply may have. The service's own replies have a few elements and some KiB; INFO, which doctor asks for, has 10 KiB.
const (
	maxBytes    = 1 << 20
	maxElements = 1024 // of one array, set, map or push
	maxDepth    = 8
)

var errTooLarge = errors.New("redisreply: the server announces or sends a longer or deeper reply than it may")

// Bound makes the connections of a client refuse replies beyond the bounds. It wraps the dialer that options have, so it comes after
// every other change of them. A connection that has refused a reply is closed by the client.
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
			return &boundedSocket{boundedConn: bounded, Conn: socket}, nil // the client looks at idle sockets
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

// Read implements net.Conn. Nothing of what it refuses reaches the client.
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

// scanner follows the framing of a stream of replies (the Redis serialization protocol, versions 2 and 3), however it is cut.
type scanner struct {
	line []byte // of the header that is being read
	skip int    // bytes of a string that are still to come
	open []int  // elements that are still to come, of each aggregate that is open
	size int    // bytes of the reply so far
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

// header reads one line. What is no reply at all is for the client to refuse.
func (s *scanner) header(line string) error {
	if line == "" {
		return nil
	}
	length, err := strconv.Atoi(line[1:])
	if err != nil {
		length = -1 // not a length; RESP's null has -1 as well
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

// complete counts an element, and each aggregate that ends with it. The next reply begins where none is open.
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
