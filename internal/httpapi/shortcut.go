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

// The two questions that services and gateways ask for each request of theirs.
const (
	verifyTokenPath = "/v1/auth/verify-token"
	forwardPath     = "/v1/auth/forward"
)

// shortCut answers those two before the router, where the request is written as nearly all of them are: nothing of it has to be
// decoded to see that the contract takes it, and a token seen before is answered with the bytes that were made for it then.
//
// Why it may stand before the steps that every other request passes: both operations are unlimited and know no other credential, the
// body that it takes ([canonicalToken]) is one that each step lets through, and whatever is written in another way, and every refusal
// of forward's, goes the long road. A fuzz test holds both roads to the same answers, and a test of the contract says when one of
// these reasons has gone.
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

// verifyToken answers the canonical body, whether its token was seen before or not.
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

// read gives the answer about the token of a canonical body, else the token, else the request to be read again: what is not canonical,
// and what may mean something else in JSON than it is. What is known by its hash is a token that was verified, so it has the
// characters of one (T1): that need not be looked at again.
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
	again = r.WithContext(r.Context()) // another, for its body is another
	again.Body = unread{io.MultiReader(bytes.NewReader(bytes.Clone(body[:n])), r.Body), r.Body}
	return nil, "", again
}

// resolve is for a token that memory has no answer about.
func (s shortCut) resolve(w http.ResponseWriter, r *http.Request, compact string) {
	p, err := s.resolver.Resolve(r.Context(), compact)
	if err == nil {
		err = api.VerifyToken200JSONResponse(toAPIVerified(p)).VisitVerifyTokenResponse(w)
	}
	if err != nil {
		writeError(w, r, err)
	}
}

// forward answers for a token seen before.
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

// The canonical body is {"token":"..."}, to the byte: no space, no escape, nothing more. Longer tokens than T1 lets through are refused
// on the long road.
const (
	canonicalHead = `{"token":"`
	canonicalTail = `"}`
	longestToken  = 8 << 10
	maxCanonical  = len(canonicalHead) + longestToken + len(canonicalTail)
)

var buffers = sync.Pool{New: func() any { return new([maxCanonical]byte) }}

// unread is a body of which a part was read, from its beginning.
type unread struct {
	io.Reader
	io.Closer
}

// hasCanonicalFrame says whether what surrounds a body is as simple as can be: its length is known, it is JSON in the words that
// clients use, and nothing was done to it.
func hasCanonicalFrame(r *http.Request) bool {
	mediaType := r.Header["Content-Type"]
	return r.ContentLength > 0 && r.ContentLength <= int64(maxCanonical) &&
		len(mediaType) == 1 && (mediaType[0] == "application/json" || mediaType[0] == "application/json; charset=utf-8") &&
		r.Header["Content-Encoding"] == nil
}

// canonicalToken is what a canonical body holds.
func canonicalToken(body []byte) ([]byte, bool) {
	compact, ok := bytes.CutPrefix(body, []byte(canonicalHead))
	if ok {
		compact, ok = bytes.CutSuffix(compact, []byte(canonicalTail))
	}
	return compact, ok && len(compact) > 0
}

// isPlain says whether text stands in JSON as it is: printable ASCII without quote and backslash.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
