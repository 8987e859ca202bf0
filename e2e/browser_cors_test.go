package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

type asked struct {
	Failed    string `json:"failed"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	RequestID string `json:"requestId"`
	Token     string `json:"token"`
}

const asking = `fetch(url, options).then(async (answer) => {
	const body = await answer.json();
	return {
		failed: "", status: answer.status, code: body.code ?? "", requestId: answer.headers.get("X-Request-Id") ?? "",
		token: body.data?.idToken ?? "",
	};
}, (error) => ({failed: String(error), status: 0, code: "", requestId: "", token: ""}))`

// A page of an unlisted origin reads nothing, and its login does not arrive.
func TestCORS_InABrowser(t *testing.T) {
	t.Parallel()
	listed, stranger := origin(t), origin(t)
	s := servicetest.Start(t, map[string]string{"CORS_ORIGINS": listed})
	person := s.Person(t)
	browser := openBrowser(t)

	page := openTab(t, browser, listed)
	session := fetch(t, page, s.URL+"/v1/auth/login", loginInit(t, *person.Email, servicetest.Password))
	if session.Status != http.StatusOK || session.Token == "" || session.RequestID == "" {
		t.Errorf("a login from a listed origin gave %+v, expected a session and its request id", session)
	}
	if got := fetch(t, page, s.URL+"/v1/auth/login", loginInit(t, *person.Email, "wrong")); got.Code != "invalid_credentials" {
		t.Errorf("a wrong password from a listed origin gave %+v, expected invalid_credentials", got)
	}
	bearer := map[string]string{"Authorization": "Bearer " + session.Token, "Content-Type": "application/json"}
	for _, r := range []requestInit{
		{Method: "GET", Headers: bearer},
		{Method: "PATCH", Headers: bearer, Body: `{"username":"from.a.page"}`},
	} {
		if got := fetch(t, page, s.URL+"/v1/auth/me", r); got.Status != http.StatusOK {
			t.Errorf("%s me from a listed origin gave %+v, expected 200", r.Method, got)
		}
	}

	page = openTab(t, browser, stranger)
	served := strings.Count(s.Log.String(), `"/v1/auth/login"`)
	for what, r := range map[string]requestInit{
		"a login": loginInit(t, *person.Email, servicetest.Password), "GET me": {Method: "GET", Headers: bearer},
	} {
		path := map[string]string{"POST": "/v1/auth/login", "GET": "/v1/auth/me"}[r.Method]
		if got := fetch(t, page, s.URL+path, r); !strings.Contains(got.Failed, "Failed to fetch") {
			t.Errorf("%s from an origin that is not listed gave %+v, expected the browser to refuse", what, got)
		}
	}
	if now := strings.Count(s.Log.String(), `"/v1/auth/login"`); now > served+1 {
		t.Errorf("%d requests for login reached us from an origin that is not listed, expected the preflight alone", now-served)
	}
	if heard := strings.Join(page.heard(), "\n"); !strings.Contains(heard, "CORS policy") {
		t.Errorf("the browser's reason is not CORS:\n%s", heard)
	}
}

func origin(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><title>a frontend</title>`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

type requestInit struct {
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body,omitempty"`
}

func loginInit(t *testing.T, email, password string) requestInit {
	t.Helper()
	body, err := json.Marshal(client.LoginInput{Email: email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return requestInit{Method: "POST", Headers: map[string]string{"Content-Type": "application/json"}, Body: string(body)}
}

func fetch(t *testing.T, page *tab, url string, r requestInit) asked {
	t.Helper()
	arguments, err := json.Marshal([]any{url, r})
	if err != nil {
		t.Fatal(err)
	}
	script := "((url, options) => " + asking + ")(..." + string(arguments) + ")"
	return read(t, page, "fetch "+url, chromedp.Evaluate[asked](script, chromedp.EvalAwaitPromise))
}
