package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/proxies"
	"auth-v2-service/internal/testkit/servicetest"
)

type attack struct {
	what string
	raw  func(credential string) string
}

func separated(name string) []string {
	head, rest, more := strings.Cut(name, "-")
	if !more {
		return []string{name}
	}
	var all []string
	for _, tail := range separated(rest) {
		for _, separator := range []string{"-", "_", "."} {
			all = append(all, head+separator+tail)
		}
	}
	return all
}

// claimed are identity headers that clients must not set (G4).
var claimed = append([]string{"X-User-Role", "X-User-", "X-Auth-Request-User", "X-Auth-"}, identityHeaders...)

// headerAttacks returns all spellings, or one of each if thin.
func headerAttacks(thin bool) []attack {
	var all []attack
	line := func(what string, before, after []string) {
		all = append(all, attack{what: what, raw: func(credential string) string {
			return request("GET", "/private", append(append(append([]string{}, before...), credential), after...)...)
		}})
	}
	for _, name := range claimed {
		for _, written := range separated(name) {
			for _, spelled := range []string{written, strings.ToLower(written), strings.ToUpper(written)} {
				line(spelled, []string{spelled + ": admin"}, nil)
				if thin {
					break
				}
				line(spelled+" empty", []string{spelled + ":"}, nil)
				line(spelled+" twice", []string{spelled + ": admin"}, []string{spelled + ": root"})
			}
		}
		line(name+" folded", []string{"X-Other: a", " " + name + ": admin"}, nil)
		line(name+" after a bare LF", []string{"X-Other: a\n" + name + ": admin"}, nil)
		line(name+" after a bare CR", []string{"X-Other: a\r" + name + ": admin"}, nil)
		line(name+" with a space before the colon", []string{name + " : admin"}, nil)
		line(name+" with a tab before the colon", []string{name + "\t: admin"}, nil)
		line(name+" named by Connection", []string{"Connection: " + name, name + ": admin"}, nil)
		line(name+" named by Connection alone", []string{"connection: " + strings.ToUpper(name)}, nil)
		line(name+" named by Connection among others", nil, []string{"Connection: keep-alive ," + strings.ToLower(name) + ", close"})
		line(name+" named by two Connection lines", []string{"Connection: Upgrade"}, []string{"Connection: " + name})
		line(name+" named by Proxy-Connection", []string{"Proxy-Connection: " + name}, nil)
		line(name+" as a trailer", []string{"Transfer-Encoding: chunked", "Trailer: " + name, "TE: trailers"}, nil)
		trailer := all[len(all)-1].raw
		all[len(all)-1].raw = func(credential string) string {
			return trailer(credential) + "1\r\na\r\n0\r\n" + name + ": admin\r\n\r\n"
		}
	}
	return all
}

// pathAttacks try to bypass the rule through the open path.
func pathAttacks() []attack {
	var all []attack
	for _, target := range []string{
		"//private", "/./private", "/health/../private", "/private/../health", "/health/%2e%2e/private", "/private/%2e%2e/health", "/health%2f..%2fprivate",
		"/health/", "/health/private", "//health", "/Health/x", "/health;/private", "/health;", "/health%00/private", "/health%3f/private", "/private#/health",
		"/private?/health", "/private%2fhealth", `/private/..\health`, "http://other.example/private", "http://other.example//private", "http://other.example/private/../health",
		"http://health/private", "http:/health", "*", "private",
	} {
		for _, method := range []string{"GET", "POST"} {
			all = append(all, attack{what: method + " " + target, raw: func(credential string) string {
				return request(method, target, credential, "X-User-Id: admin", "Content-Length: 0")
			}})
		}
	}
	for _, target := range []string{"/health", "/health?x=/private", "http://other.example/health"} {
		all = append(all, attack{what: "open " + target, raw: func(credential string) string {
			return request("GET", target, credential, "X-User-Id: admin", "X_User_Id: admin", "X-User-Role: admin")
		}})
	}
	return all
}

// smugglingAttacks hide a second request in a body, or upgrade the protocol.
func smugglingAttacks() []attack {
	hidden := "GET /hidden HTTP/1.1\r\nHost: platform.example\r\nX-User-Id: admin\r\n\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)
	var all []attack
	post := func(what, body string, lines ...string) {
		for _, target := range []string{"/private", "/health"} {
			all = append(all, attack{what: what + " to " + target, raw: func(credential string) string {
				raw := request("POST", target, append([]string{credential}, lines...)...)
				return strings.Replace(raw, "Connection: close", "Connection: keep-alive", 1) + body
			}})
		}
	}
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
	post("CL.TE", "0\r\n\r\n"+hidden, length(5+len(hidden)), "Transfer-Encoding: chunked")
	post("TE.CL", chunk, length(4), "Transfer-Encoding: chunked")
	post("two lengths", hidden, length(0), length(len(hidden)))
	post("a list of lengths", hidden, fmt.Sprintf("Content-Length: 0, %d", len(hidden)))
	post("a signed length", hidden, "Content-Length: +0")
	for _, coding := range []string{"xchunked", " chunked", "\tchunked", "identity", "chunked, identity", "identity, chunked", "chunked\r\nTransfer-Encoding: x", "\x0bchunked", "CHUNKED"} {
		post("Transfer-Encoding "+coding, "0\r\n\r\n"+hidden, length(5+len(hidden)), "Transfer-Encoding:"+coding)
	}
	post("a bad chunk", "5;x\nabcde0\r\n\r\n"+hidden, "Transfer-Encoding: chunked")
	for _, protocol := range []string{"h2c", "h2c, websocket", "anything"} {
		all = append(all, attack{what: "Upgrade: " + protocol, raw: func(credential string) string {
			raw := request("GET", "/private", credential, "Upgrade: "+protocol, "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
			return strings.Replace(raw, "Connection: close", "Connection: Upgrade, HTTP2-Settings", 1)
		}})
	}
	return all
}

// try combines attacks and credentials until enough intrusions.
func (d *door) try(t *testing.T, attacks []attack, credentials []string, good string, who map[string]string, enough int) (tried int, through []string) {
	t.Helper()
	for _, credential := range credentials {
		for _, a := range attacks {
			tried++
			r := d.send(t, closing(a.raw(credential)))
			for _, got := range d.behind.take() {
				if fault := intrusion(got, good, who); fault != "" {
					through = append(through, a.what+": "+fault)
				}
			}
			if r.status == http.StatusInternalServerError {
				through = append(through, a.what+": answered 500")
			}
			if len(through) >= enough {
				return tried, through
			}
		}
	}
	return tried, through
}

func closing(raw string) string {
	if !strings.Contains(raw, "Connection: keep-alive") {
		return raw
	}
	return raw + request("GET", "/health")
}

func intrusion(got arrival, good string, who map[string]string) string {
	target, err := url.Parse(got.uri)
	switch {
	case err != nil || strings.Contains(got.uri, "hidden"):
		return "a request for " + got.uri + " came through"
	case got.header.Get("Upgrade") != "":
		return "an upgrade came through: " + got.header.Get("Upgrade")
	case namedByConnection(got.header) != "":
		return "to a proxy behind, Connection names " + namedByConnection(got.header)
	case target.Path == "/health":
		return impostor(got.header, nil, false) // no identity
	case len(got.header["Authorization"]) != 1 || "Authorization: "+got.header.Get("Authorization") != good:
		return fmt.Sprintf("%s %s came through without a good credential", got.method, got.uri)
	}
	return impostor(got.header, who, true)
}

// namedByConnection returns a header that the next proxy would drop (RFC 9110 section 7.6.1).
func namedByConnection(header http.Header) string {
	for _, value := range slices.Concat(header.Values("Connection"), header.Values("Proxy-Connection")) {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if !slices.Contains([]string{"", "close", "keep-alive", "upgrade"}, name) {
				return name
			}
		}
	}
	return ""
}

const (
	nobody = "Accept: */*"
	stray  = "Authorization: Bearer not.a.token"
)

// T1: a proxy passes good tokens only.
func TestProxies_NothingGetsThrough_G4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, row := range tokenKinds {
		t.Run(row.kind, func(t *testing.T) {
			token := row.signIn(t, s).token
			who := saidOf(t, s, token)
			thin := row.kind != tokenKinds[0].kind
			eachDoor(t, s, func(t *testing.T, d *door) { tryAll(t, d, bearer(token), who, thin) })
		})
	}
}

func tryAll(t *testing.T, d *door, good string, who map[string]string, thin bool) {
	t.Helper()
	for _, group := range []struct {
		name        string
		attacks     []attack
		credentials []string
	}{
		{"headers", headerAttacks(thin), []string{good, nobody}},
		{"headers with a bad token", headerAttacks(true), []string{stray}},
		{"paths", pathAttacks(), []string{good, nobody, stray}},
		{"smuggling", smugglingAttacks(), []string{good, nobody, stray}},
	} {
		tried, through := d.try(t, group.attacks, group.credentials, good, who, 20)
		for _, what := range through {
			t.Error(what)
		}
		t.Logf("%s: tried %d, through %d", group.name, tried, len(through))
	}
}

// HAProxy also accepts HTTP/2 without TLS.
func TestProxies_HTTP2InTheClear_G4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	who := saidOf(t, s, token)
	d := openDoor(t, proxies.All[slices.IndexFunc(proxies.All, func(k proxies.Kind) bool { return k.Name == "haproxy" })], s.URL)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for _, credential := range []string{"Bearer " + token, ""} {
		for _, name := range claimed {
			for _, written := range separated(name) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.Addr+"/private", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				r.Header[written] = []string{"admin", "root"}
				if credential != "" {
					r.Header.Set("Authorization", credential)
				}
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				got := d.behind.take()
				if want := map[bool]int{true: http.StatusUnauthorized, false: http.StatusOK}[credential == ""]; response.StatusCode != want || response.ProtoMajor != 2 {
					t.Errorf("%s: answered %s %d, expected HTTP/2 and %d", written, response.Proto, response.StatusCode, want)
				}
				for _, one := range got {
					if fault := intrusion(one, bearer(token), who); fault != "" {
						t.Errorf("%s: %s", written, fault)
					}
				}
			}
		}
	}
}

// expectingAll passes names that Caddy drops.
var expectingAll = proxies.Weakening{
	Old: "protocols h1 h2\n", New: "protocols h1 h2\n\t\texpected_underscore_headers x_user_* x_auth_*\n\t\texpected_dot_headers x.user.* x.auth.*\n",
}

// weakenings remove lines of deploy/, each of which stops an attack. A pair guards the same attack.
var weakenings = map[string][][]proxies.Weakening{
	"nginx": {
		{{Old: "    proxy_pass_request_headers off;\n", New: ""}},
		{{Old: "underscores_in_headers off;", New: "underscores_in_headers on;"}, {Old: "    proxy_pass_request_headers off;\n", New: ""}},
		{{Old: "        auth_request /_forward_auth;\n", New: ""}},
		{{Old: "proxy_set_header X-User-Id $user_id;", New: "proxy_set_header X-User-Id $http_x_user_id;"}},
		{{Old: "location = /health {", New: "location /health {"}},
		{{Old: "proxy_pass http://app/health;", New: "proxy_pass http://app;"}},
	},
	"caddy": {
		{{Old: "\t\trequest_header -X-User*\n", New: ""}},
		{{Old: "\t\trequest_header -X_User*\n", New: ""}, expectingAll},
		{{Old: "\t\trequest_header -X.User*\n", New: ""}, expectingAll},
		{{Old: "\t\trequest_header -X-Auth*\n", New: ""}},
		{{Old: "\t\trequest_header -X_Auth*\n", New: ""}, expectingAll},
		{{Old: "\t\trequest_header -X.Auth*\n", New: ""}, expectingAll},
		{{Old: "\t\trequest_header @http -Connection\n", New: ""}},
		{{Old: "\t\trequest_header @http -Connection\n\t\trequest_header @http -Upgrade\n", New: ""}},
		{{Old: "handle /health {", New: "handle /health* {"}, {Old: "\t\t\trewrite * /health\n", New: ""}},
		{{Old: "copy_headers X-User-Id ", New: "copy_headers "}},
	},
	"haproxy": {
		{{Old: "\thttp-request del-header ^x[-_.](user|auth)[-_.] -m reg\n", New: ""}},
		{{Old: "[-_.] -m reg", New: "- -m reg"}},
		{{Old: "^x[-_.]", New: "^x[-_]"}},
		{{Old: "\thttp-request del-header Upgrade unless to_websocket to_upgrade\n", New: ""}},
		{{Old: "\thttp-request del-header Connection unless to_websocket to_upgrade\n", New: ""}},
		{{Old: "\thttp-request del-header Proxy-Connection\n", New: ""}},
		{{Old: "acl open path /health", New: "acl open path_beg /health"}},
		{{Old: "acl open path /health", New: "acl open path_end /health"}},
		{{Old: "return refuse(txn, response)", New: "return"}},
		{{Old: `"X-User-Type", `, New: ""}},
	},
}

// This proves that the attacks can succeed.
func TestProxies_EveryLineIsNeeded(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	who := saidOf(t, s, token)
	attacks := append(append(pathAttacks(), smugglingAttacks()...), headerAttacks(true)...)
	for _, kind := range proxies.All {
		for _, weakened := range weakenings[kind.Name] {
			d := openDoor(t, kind, s.URL, weakened...)
			_, through := d.try(t, attacks, []string{bearer(token), nobody}, bearer(token), who, 1)
			if len(through) == 0 {
				t.Errorf("deploy/%s with %q: nothing gets through, expected something", kind.Name, weakened)
				continue
			}
			t.Logf("%s without %.60q: %.140s", kind.Name, strings.TrimSpace(weakened[0].Old), through[0])
		}
	}
}
