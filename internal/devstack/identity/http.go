package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody is enough for an import of a thousand users and little enough to be read whole.
const maxBody = 8 << 20

// call is one request to an operation, after its caller is known.
type call struct {
	request *http.Request
	admin   bool // an OAuth 2 credential of the project's owner, as the Admin SDK sends
}

// base is the address by which the caller reached the provider: links in mails begin with it.
func (c *call) base() string { return "http://" + c.request.Host }

// access says who may call a route.
type access int

const (
	public      access = iota // no credential: certificates, the emulator's own endpoints
	client                    // an API key, or an admin
	projectPath               // under /v1/projects/{project}: an admin, and a client is told so
)

// common are fields that Identity Toolkit knows in most requests and that change nothing here.
type common struct {
	TenantID               string    `json:"tenantId"`
	TargetProjectID        string    `json:"targetProjectId"`
	ClientType             string    `json:"clientType"`
	RecaptchaVersion       string    `json:"recaptchaVersion"`
	CaptchaResponse        string    `json:"captchaResponse"`
	CaptchaChallenge       string    `json:"captchaChallenge"`
	InstanceID             string    `json:"instanceId"`
	DelegatedProjectNumber int64Text `json:"delegatedProjectNumber"`
	ReturnSecureToken      bool      `json:"returnSecureToken"`
}

func (c common) scope() common { return c }

// scoped is a request that may name a project and a tenant in its body.
type scoped interface{ scope() common }

// int64Text is protobuf's int64 in JSON: a string, though a number is taken too.
type int64Text string

// UnmarshalJSON implements json.Unmarshaler.
func (i *int64Text) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" || text == "" {
		return nil
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return fmt.Errorf("not an integer: %.40s", text)
	}
	*i = int64Text(text)
	return nil
}

func (i int64Text) value() int64 {
	n, _ := strconv.ParseInt(string(i), 10, 64) // checked when it was read
	return n
}

// operation turns a function of a decoded request into a handler.
func operation[In any](p *Provider, who access, run func(*call, *In) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := perform(p, who, run, r)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, out)
	})
}

func perform[In any](p *Provider, who access, run func(*call, *In) (any, error), r *http.Request) (any, error) {
	c := &call{request: r}
	if err := p.authorise(c, who); err != nil {
		return nil, err
	}
	in := new(In)
	if err := decode(r, in); err != nil {
		return nil, err
	}
	if s, ok := any(in).(scoped); ok {
		if err := p.checkScope(c, s.scope()); err != nil {
			return nil, err
		}
	}
	return run(c, in)
}

// authorise finds out who calls and whether they may.
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

// bearer knows the emulator's "owner" and takes anything that looks like a service account's access token.
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

func (p *Provider) checkScope(c *call, fields common) error {
	if fields.TenantID != "" {
		return errTenant
	}
	if fields.TargetProjectID == "" {
		return nil
	}
	if !c.admin {
		return errTargetProject
	}
	if fields.TargetProjectID != p.opts.ProjectID {
		return errUnknownProject
	}
	return nil
}

// decode reads a JSON body (or a form, for Secure Token) as Google does: unknown fields and trailing data are refused.
func decode(r *http.Request, in any) error {
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return invalidArgument("Request payload could not be read: %v", err)
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		return decodeForm(body, in)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in); err != nil {
		return payloadError(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return invalidArgument("Invalid JSON payload received. Parsing terminated before end of input.")
	}
	return nil
}

func payloadError(err error) error {
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return invalidArgument("Invalid JSON payload received. Unknown name %s: Cannot find field.", name)
	}
	return invalidArgument("Invalid JSON payload received. %v", err)
}

func decodeForm(body []byte, in any) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return invalidArgument("Invalid form payload received.")
	}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("form as JSON: %w", err)
	}
	if err := json.Unmarshal(encoded, in); err != nil {
		return payloadError(err)
	}
	return nil
}

// middleware is what every request passes: CORS for browsers, the body limit, and the faults that were asked for.
func (p *Provider) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", p.now().Format(http.TimeFormat)) // one clock for all that is told
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
		// A read body also lets net/http notice a client that goes away while a fault keeps it waiting.
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.faults.apply(w, r, next)
	})
}

// cors allows every origin, as Google and the emulator do, and answers preflights: true when that was one.
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
