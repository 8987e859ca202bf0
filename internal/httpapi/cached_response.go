package httpapi

import (
	"net/http"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/principal"
)

const (
	verifyTokenResponse principal.ResponseKind = iota
	forwardResponse
)

// NewCachedResponse renders by the generated type, so answers match the contract. Nil: the type failed.
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

// recorder leaves Content-Length to net/http: one header more would grow the header map.
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

// cachedResponse is shared by requests and immutable.
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
		_, _ = w.Write(a.body) //nolint:gosec // JSON of the generated type; on error the client has gone
	}
}

// Size implements principal.Response.
func (a *cachedResponse) Size() int {
	const headerOverhead = 56
	size := cap(a.body) + 48
	for _, h := range a.headers {
		size += headerOverhead + len(h.values[0])
	}
	return size
}
