package conformance

import (
	"net/http"
	"strings"
)

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

var edgeBehaviours = []behaviour{
	{"edge: enumeration protection of a new project", `{"enableImprovedEmailPrivacy":true}`, func(s subject) string {
		return jsonText(s.pristine.config["emailPrivacyConfig"])
	}},
	{"edge: how a refusal is built", "400 code,errors,message domain,message,reason", func(s subject) string {
		return s.client("lookup", object{}).errorShape()
	}},
	{"edge: no API key", "403 PERMISSION_DENIED", func(s subject) string {
		return s.call("POST", toolkit+"accounts:signUp", object{}, "").outcome()
	}},
	{"edge: API key in a header", "200", func(s subject) string {
		return s.raw("POST", toolkit+"accounts:signUp", strings.NewReader(`{}`),
			http.Header{"Content-Type": {"application/json"}, "X-Goog-Api-Key": {"any"}}).outcome()
	}},
	{"edge: a project's path with an API key alone", "400 INSUFFICIENT_PERMISSION", func(s subject) string {
		return s.call("POST", toolkit+"projects/"+projectID+"/accounts:batchCreate?key=any", object{}, "").outcome()
	}},
	{"edge: a project's path with nothing", "403 PERMISSION_DENIED", func(s subject) string {
		return s.call("POST", toolkit+"projects/"+projectID+"/accounts:lookup", object{}, "").outcome()
	}},
	{"edge: unknown bearer", "401 UNAUTHENTICATED", func(s subject) string {
		return s.call("POST", toolkit+"projects/"+projectID+"/accounts:lookup", object{}, "Bearer stranger").outcome()
	}},
	{"edge: broken JSON", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.raw("POST", toolkit+"accounts:signUp?key=any", strings.NewReader(`{"email":`), jsonHeader).outcome()
	}},
	{"edge: a JSON array", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.raw("POST", toolkit+"accounts:signUp?key=any", strings.NewReader(`[]`), jsonHeader).outcome()
	}},
	{"edge: a field of another type", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.client("signUp", object{"email": object{}, "password": secret}).outcome()
	}},
	{"edge: an unknown field", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.client("signUp", object{"email": jane, "password": secret, "favouriteColour": "blue"}).outcome()
	}},
	{"edge: unknown path", "404 NOT_FOUND", func(s subject) string {
		return s.call("POST", "/nonsense", object{}, "").outcome()
	}},
	{"edge: project configuration for clients", "200 authorizedDomains,projectId", func(s subject) string {
		return s.call("GET", toolkit+"projects?key=any", nil, "").shape()
	}},
	{"edge: browsers of any origin", "http://app.example", func(s subject) string {
		header := http.Header{"Content-Type": {"application/json"}, "Origin": {"http://app.example"}}
		return s.raw("POST", toolkit+"accounts:signUp?key=any", strings.NewReader(`{}`), header).
			header.Get("Access-Control-Allow-Origin")
	}},
	{"edge: preflight", "204 x-client-version", func(s subject) string {
		r := s.raw("OPTIONS", toolkit+"accounts:signUp", nil, http.Header{
			"Origin": {"http://app.example"}, "Access-Control-Request-Method": {"POST"},
			"Access-Control-Request-Headers": {"x-client-version"},
		})
		return r.outcome() + " " + r.header.Get("Access-Control-Allow-Headers")
	}},
}
