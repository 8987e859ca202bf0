package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/principal"
)

const (
	verifyTokenPath = "/v1/auth/verify-token"
	forwardPath     = "/v1/auth/forward"
)

// shortCut answers verify-token and forward before the router. A known token gets its cached bytes.
//
// It may skip the other steps: both operations are unlimited and take no other credential, and every step admits the canonical body
// ([canonicalToken]). All else, and forward's refusals, take the long road. A fuzz test compares both roads; a contract test checks these
// reasons.
type shortCut struct{ resolver *principal.Resolver }

func (s shortCut) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery != "" || r.URL.RawPath != "":
			next.ServeHTTP(w, r)
		case r.Method == http.MethodPost && r.URL.Path == verifyTokenPath:
			s.verifyToken(w, r, next)
		case (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path == forwardPath:
			s.forward(w, r, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s shortCut) verifyToken(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !hasCanonicalFrame(r) {
		next.ServeHTTP(w, r)
		return
	}
	kept, compact, again := s.read(r)
	x := requestBehind(w)
	switch {
	case kept != nil:
		x.route = verifyTokenPath
		kept.send(w)
	case compact != "":
		x.route = verifyTokenPath
		s.resolve(w, r.WithContext(x), compact)
	default:
		next.ServeHTTP(w, again)
	}
}

// read returns the cached answer, else the token, else the request to read again. A cached token was verified, so it is plain (T1).
func (s shortCut) read(r *http.Request) (kept *cachedResponse, compact string, again *http.Request) {
	buffer := buffers.Get().(*[maxCanonical]byte)
	defer buffers.Put(buffer)
	body := buffer[:r.ContentLength]
	n, err := io.ReadFull(r.Body, body)
	if held, ok := canonicalToken(body[:n]); ok && err == nil {
		if answer, ok := s.resolver.CachedResponse(held, verifyTokenResponse); ok {
			return answer.(*cachedResponse), "", nil
		}
		if isPlain(held) {
			return nil, string(held), nil
		}
	}
	again = r.WithContext(r.Context())
	again.Body = unread{io.MultiReader(bytes.NewReader(bytes.Clone(body[:n])), r.Body), r.Body}
	return nil, "", again
}

func (s shortCut) resolve(w http.ResponseWriter, r *http.Request, compact string) {
	p, err := s.resolver.Resolve(r.Context(), compact)
	if err == nil {
		err = api.VerifyToken200JSONResponse(toAPIVerified(p)).VisitVerifyTokenResponse(w)
	}
	if err != nil {
		writeError(w, r, err)
	}
}

func (s shortCut) forward(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if authorization := r.Header["Authorization"]; len(authorization) == 1 {
		if compact, ok := strings.CutPrefix(authorization[0], "Bearer "); ok {
			if kept, ok := s.resolver.CachedResponse([]byte(compact), forwardResponse); ok {
				requestBehind(w).route = forwardPath
				kept.(*cachedResponse).send(w)
				return
			}
		}
	}
	next.ServeHTTP(w, r)
}

// The canonical body is {"token":"..."} to the byte. The long road refuses tokens over T1's limit.
const (
	canonicalHead = `{"token":"`
	canonicalTail = `"}`
	longestToken  = 8 << 10
	maxCanonical  = len(canonicalHead) + longestToken + len(canonicalTail)
)

var buffers = sync.Pool{New: func() any { return new([maxCanonical]byte) }}

type unread struct {
	io.Reader
	io.Closer
}

func hasCanonicalFrame(r *http.Request) bool {
	mediaType := r.Header["Content-Type"]
	return r.ContentLength > 0 && r.ContentLength <= int64(maxCanonical) &&
		len(mediaType) == 1 && (mediaType[0] == "application/json" || mediaType[0] == "application/json; charset=utf-8") &&
		r.Header["Content-Encoding"] == nil
}

func canonicalToken(body []byte) ([]byte, bool) {
	compact, ok := bytes.CutPrefix(body, []byte(canonicalHead))
	if ok {
		compact, ok = bytes.CutSuffix(compact, []byte(canonicalTail))
	}
	return compact, ok && len(compact) > 0
}

// isPlain means that JSON needs no escape.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
