package identity

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// maxBody fits an import of 1,000 users.
const maxBody = 8 << 20

type call struct {
	request *http.Request
	admin   bool // has the owner's OAuth 2 credential
}

func (c *call) base() string { return "http://" + c.request.Host }

type access int

const (
	public      access = iota // no credential
	client                    // an API key or an admin
	projectPath               // an admin
)

// operation's name selects the table of fields; our own operations have none.
func operation[In any](p *Provider, name string, required access, run func(*call, *In) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := perform(p, name, required, run, r)
		if err != nil {
			if strings.HasPrefix(name, "mfa") {
				err = v2(err)
			}
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, out)
	})
}

func perform[In any](p *Provider, name string, required access, run func(*call, *In) (any, error), r *http.Request) (any, error) {
	c := &call{request: r}
	if err := p.authorise(c, required); err != nil {
		return nil, err
	}
	in := new(In)
	if err := p.read(c, name, in); err != nil {
		return nil, err
	}
	return run(c, in)
}

func (p *Provider) authorise(c *call, who access) error {
	if project := c.request.PathValue("project"); project != "" && project != p.opts.ProjectID {
		return errUnknownProject
	}
	if who == public {
		return nil
	}
	admin, err := bearer(c.request)
	if err != nil {
		return err
	}
	c.admin = admin
	key := first(c.request.URL.Query().Get("key"), c.request.Header.Get("X-Goog-Api-Key"))
	switch {
	case admin:
		return nil
	case key == "":
		return errMissingKey
	case p.opts.APIKey != "" && key != p.opts.APIKey:
		return errWrongKey
	case who == projectPath:
		return errTargetProject
	}
	return nil
}

// bearer accepts "owner", as the emulator, and service accounts' tokens.
func bearer(r *http.Request) (bool, error) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "bearer") {
		return false, nil
	}
	if strings.EqualFold(token, "owner") || strings.HasPrefix(token, "ya29.") {
		return true, nil
	}
	return false, errWrongCredential
}

func (p *Provider) checkTarget(c *call, project string) error {
	switch {
	case project == "":
		return nil
	case !c.admin:
		return errTargetProject
	case project != p.opts.ProjectID:
		return errUnknownProject
	}
	return nil
}

func (p *Provider) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", p.now().Format(http.TimeFormat))
		if cors(w, r) {
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeError(w, &apiError{
				code: http.StatusRequestEntityTooLarge, status: "INVALID_ARGUMENT", reason: "uploadTooLarge",
				message: "Request payload size exceeds the limit.",
			})
			return
		}
		// A read body lets net/http notice disconnects.
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.faults.apply(w, r, next)
	})
}

// cors allows every origin, as Google does. It returns true for a preflight.
func cors(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", origin)
	header.Add("Vary", "Origin")
	if r.Method != http.MethodOptions {
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
	header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	header.Set("Access-Control-Max-Age", "3600")
	if r.Header.Get("Access-Control-Request-Private-Network") != "" {
		header.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
