package httpapi

import (
	"net/http"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/principal"
)

// The answers that are kept with a token.
const (
	verifyTokenResponse principal.ResponseKind = iota
	forwardResponse
)

// NewCachedResponse makes the answer about a principal that is sent as long as nothing has changed, by the generated type: it cannot say what
// the contract does not. Nil where the type refuses.
func NewCachedResponse(form principal.ResponseKind, p principal.Principal) principal.Response {
	taken := &recorder{header: http.Header{}}
	var err error
	switch form {
	case verifyTokenResponse:
		err = api.VerifyToken200JSONResponse(toAPIVerified(p)).VisitVerifyTokenResponse(taken)
	case forwardResponse:
		err = api.Forward200Response{Headers: toAPIForward(p)}.VisitForwardResponse(taken)
	}
	if err != nil {
		return nil
	}
	return taken.response()
}

// recorder is a client that keeps what it is sent. Its length is net/http's to say, as of every short answer: with one header more the
// map of an answer's would have to grow.
type recorder struct {
	header http.Header
	body   []byte
}

func (t *recorder) Header() http.Header { return t.header }

func (t *recorder) WriteHeader(int) {}

func (t *recorder) Write(body []byte) (int, error) {
	t.body = append(t.body, body...)
	return len(body), nil
}

func (t *recorder) response() *cachedResponse {
	kept := &cachedResponse{body: t.body, headers: make([]cachedHeader, 0, len(t.header))}
	for name, values := range t.header {
		kept.headers = append(kept.headers, cachedHeader{name, values})
	}
	return kept
}

// cachedResponse is an answer with status 200, ready to be sent. Many requests send it at once: nobody changes it.
type cachedResponse struct {
	headers []cachedHeader
	body    []byte
}

type cachedHeader struct {
	name   string
	values []string
}

func (a *cachedResponse) send(w http.ResponseWriter) {
	header := w.Header()
	for _, h := range a.headers {
		header[h.name] = h.values
	}
	w.WriteHeader(http.StatusOK)
	if len(a.body) > 0 {
		_, _ = w.Write(a.body) //nolint:gosec // JSON that the generated type has made; where the client has gone there is nobody to tell
	}
}

// Size implements principal.Response. A header takes its slices and its value; its name is shared.
func (a *cachedResponse) Size() int {
	const headerOverhead = 56
	size := cap(a.body) + 48
	for _, h := range a.headers {
		size += headerOverhead + len(h.values[0])
	}
	return size
}
