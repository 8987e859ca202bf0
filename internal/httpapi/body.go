package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"auth-v2-service/internal/fault"
)

// maxBody bounds a request's body.
const maxBody = 64 << 10

var (
	errMalformedJSON = fault.Invalid("the body is not valid JSON")
	errNoBodyTaken   = fault.Invalid("this operation takes no body")
)

// limitBody reads the body once and refuses what no operation takes: over 64 KiB, not application/json, compressed, and JSON that two
// readers could read differently: duplicate names, data after the value, invalid UTF-8, lone surrogates, NUL characters.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		if !operationOf(r).body {
			dropBody(next, w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err == nil && len(body) > 0 {
			err = checkBody(r.Header, body)
		}
		if err == nil {
			err = checkSpelling(body, operationOf(r).members)
		}
		if err != nil {
			writeError(w, r, bodyRefusal(err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		next.ServeHTTP(w, r)
	})
}

// dropBody is for operations that take none. With GET and HEAD a body means nothing (RFC 9110 section 9.3.1) and is not read:
// a proxy that asks forward may send its client's along. With any other method it is a mistake that the client should hear of.
func dropBody(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if n, err := io.ReadFull(r.Body, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
			writeError(w, r, errNoBodyTaken.With(err))
			return
		}
	}
	r.Body, r.ContentLength = http.NoBody, 0
	next.ServeHTTP(w, r)
}

func bodyRefusal(err error) error {
	var tooLarge *http.MaxBytesError
	var refusal *fault.Error
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.As(err, &refusal):
		return err
	}
	return fault.Invalid("the body could not be read").With(err)
}

func checkBody(header http.Header, body []byte) error {
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return errMediaType
	}
	mediaType, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return errMediaType
	}
	if charset, given := parameters["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return errMediaType
	}
	return checkJSON(body)
}

// checkJSON accepts one JSON value as jsontext's defaults have it (RFC 8259 with unique names and valid UTF-8), without NUL.
func checkJSON(body []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	for depth := -1; depth != 0; depth = decoder.StackDepth() {
		token, err := decoder.ReadToken()
		if err != nil {
			return errMalformedJSON.With(err)
		}
		if token.Kind() == '"' && strings.ContainsRune(token.String(), 0) {
			return fault.Invalid("the body holds a NUL character")
		}
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return fault.Invalid("the body goes on after its JSON value")
	}
	return nil
}
