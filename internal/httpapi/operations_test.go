package httpapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
)

func TestOperations_UnknownRouteHasTheHandlersTime(t *testing.T) {
	t.Parallel()
	var left time.Duration
	router := chi.NewRouter()
	router.With(operations{}.identify).Get("/elsewhere", func(_ http.ResponseWriter, r *http.Request) {
		deadline, _ := r.Context().Deadline()
		left = time.Until(deadline)
	})
	quiet(router).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/elsewhere", http.NoBody))
	if left < HandlerTimeout/2 || left > HandlerTimeout {
		t.Errorf("an unknown route has %s, expected the handler's %s", left, HandlerTimeout)
	}
}
