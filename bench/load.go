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

// load is one turn of a side. Each connection waits for its answer (a closed loop), so a slow server's latencies look better than
// under a fixed rate.
type load struct {
	addr        string
	requests    [][]byte
	once        bool // send each request once, then end
	connections int
	limit       time.Duration
}

type result struct {
	took      time.Duration
	latencies []time.Duration // of answers with status 200, sorted
	bodyBytes int
	failed    int
	failure   error
}

// requestTimeout exceeds the service's 8 s (O3).
const requestTimeout = 10 * time.Second

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

// exchange returns the size of the answer's body. An error closes the connection.
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

// wire speaks HTTP/1.1. net/http's client would cost as much as the server.
type wire struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, addr string) (*wire, error) {
	// The turn's end must not cut a dial and count it as a failure.
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
		_ = w.conn.Close()
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

const chunked = -1

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
		_, err = w.line() // the empty line after the chunks
	}
	return int(n), err
}

func post(addr, path string, body []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, addr, len(body), body)
}

func get(addr, path, token string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, addr, token)
}
