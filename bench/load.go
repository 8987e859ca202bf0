package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is one round's work: requests, written out beforehand, over a few connections that each send the next one when the
// answer to the last has come (a closed loop: a slow server is asked less, so its waiting times look better than under a
// fixed rate; it is the same for both sides).
type load struct {
	addr        string
	requests    [][]byte
	once        bool // each request is sent once, and the round ends with the last; else they go round
	connections int
	limit       time.Duration
}

// result is what a round came to.
type result struct {
	took      time.Duration
	latencies []time.Duration // of answers with status 200, sorted
	bodyBytes int             // of all of them together
	failed    int
	failure   error // the first
}

// requestTimeout is longer than any answer of ours takes (O3, and httpapi's 8 s).
const requestTimeout = 10 * time.Second

// run sends the load.
func (l load) run(ctx context.Context) result {
	ctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	var next atomic.Int64
	results := make([]result, l.connections)
	start := time.Now()
	var senders sync.WaitGroup
	for i := range results {
		senders.Go(func() { results[i] = l.send(ctx, &next) })
	}
	senders.Wait()
	return join(results, time.Since(start))
}

func join(results []result, took time.Duration) result {
	all := result{took: took}
	for _, r := range results {
		all.latencies = append(all.latencies, r.latencies...)
		all.bodyBytes += r.bodyBytes
		all.failed += r.failed
		if all.failure == nil {
			all.failure = r.failure
		}
	}
	slices.Sort(all.latencies)
	return all
}

// send is one connection's part. A connection that fails is opened anew.
func (l load) send(ctx context.Context, next *atomic.Int64) result {
	r := result{latencies: make([]time.Duration, 0, 1<<14)}
	var line *wire
	defer func() { line.close() }()
	for ctx.Err() == nil {
		i := int(next.Add(1) - 1)
		if l.once && i >= len(l.requests) {
			break
		}
		began := time.Now()
		var size int
		var err error
		line, size, err = exchange(ctx, line, l.addr, l.requests[i%len(l.requests)])
		if err != nil {
			r.failed++
			if r.failure == nil {
				r.failure = err
			}
			continue
		}
		r.latencies = append(r.latencies, time.Since(began))
		r.bodyBytes += size
	}
	return r
}

// exchange sends a request over a connection, a new one where there is none, and answers the size of the body of the
// answer. After an error the connection is gone.
func exchange(ctx context.Context, line *wire, addr string, request []byte) (*wire, int, error) {
	if line == nil {
		var err error
		if line, err = dial(ctx, addr); err != nil {
			return nil, 0, err
		}
	}
	size, err := line.exchange(request)
	if err != nil {
		line.close()
		return nil, 0, err
	}
	return line, size, nil
}

// wire is a connection that speaks as much HTTP/1.1 as net/http answers. net/http's own client would take as long as the
// server that is measured.
type wire struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, addr string) (*wire, error) {
	// The round's end must not cut a connection that is being opened: that would count as a failure of the server's.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, reader: bufio.NewReaderSize(conn, 8<<10)}, nil
}

func (w *wire) close() {
	if w != nil {
		_ = w.conn.Close() // nothing was promised to the other side
	}
}

func (w *wire) exchange(request []byte) (int, error) {
	if err := w.conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return 0, err
	}
	status, err := w.line()
	if err != nil {
		return 0, err
	}
	if bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return w.answer(io.Discard)
	}
	refusal := bytes.NewBuffer(append(slices.Clone(status), ": "...))
	_, err = w.answer(refusal)
	return 0, errors.Join(errors.New(refusal.String()), err)
}

func (w *wire) answer(to io.Writer) (int, error) {
	length, err := w.header()
	if err != nil {
		return 0, err
	}
	return w.body(length, to)
}

func (w *wire) line() ([]byte, error) {
	line, err := w.reader.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// chunked stands in for the length of a body that says it as it goes.
const chunked = -1

// header reads to the empty line and answers the length of the body.
func (w *wire) header() (length int, err error) {
	for {
		line, err := w.line()
		if err != nil || len(line) == 0 {
			return length, err
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = chunked
		}
	}
}

func (w *wire) body(length int, to io.Writer) (int, error) {
	if length != chunked && to == io.Discard {
		return w.reader.Discard(length)
	}
	if length != chunked {
		n, err := io.CopyN(to, w.reader, int64(length))
		return int(n), err
	}
	n, err := io.Copy(to, httputil.NewChunkedReader(w.reader))
	if err == nil {
		_, err = w.line() // the empty one after the last chunk
	}
	return int(n), err
}

// post writes a request out.
func post(addr, path string, body []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, addr, len(body), body)
}

// get writes a request out that carries a token as gateways do.
func get(addr, path, token string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, addr, token)
}
