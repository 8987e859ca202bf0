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

const maxBody = 64 << 10

var (
	errMalformedJSON = fault.Invalid("the body is not valid JSON")
	errNoBodyTaken   = fault.Invalid("this operation takes no body")
)

// limitBody refuses bodies over 64 KiB, not application/json, compressed, or ambiguous: duplicate names, trailing data, invalid UTF-8, lone
// surrogates, NUL.
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

// dropBody: a body of GET or HEAD has no meaning (RFC 9110 section 9.3.1) and is not read: a proxy may forward it. Other methods may send
// an empty object, as HTTP libraries do.
func dropBody(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := checkNoBody(r.Body); err != nil {
			writeError(w, r, err)
			return
		}
	}
	r.Body, r.ContentLength = http.NoBody, 0
	next.ServeHTTP(w, r)
}

const longestNoBody = 64

func checkNoBody(body io.Reader) error {
	sent, err := io.ReadAll(io.LimitReader(body, longestNoBody+1))
	if err != nil || len(sent) > longestNoBody {
		return errNoBodyTaken.With(err)
	}
	text := bytes.Trim(sent, jsonSpace)
	if inner, opened := bytes.CutPrefix(text, []byte("{")); opened {
		if inner, closed := bytes.CutSuffix(inner, []byte("}")); closed {
			text = bytes.Trim(inner, jsonSpace)
		}
	}
	if len(text) > 0 {
		return errNoBodyTaken
	}
	return nil
}

// jsonSpace is from RFC 8259 section 2.
const jsonSpace = " \t\r\n"

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
	if charset, given := parameters["charset"]; given && !isUTF8Label(charset) {
		return errMediaType
	}
	return checkJSON(body)
}

// isUTF8Label also accepts "utf8", which many clients send.
func isUTF8Label(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// checkJSON accepts one JSON value (RFC 8259) with unique names.
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
