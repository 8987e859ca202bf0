package telemetry

import (
	"encoding/json"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// Log attributes follow OpenTelemetry's semantic conventions.
const (
	FieldRequestID     = "request_id"
	FieldMethod        = "http.request.method"
	FieldRoute         = "http.route"
	FieldStatus        = "http.response.status_code"
	FieldDuration      = "http.server.request.duration" // seconds
	FieldClient        = "client.address"
	FieldServer        = "server.address"
	FieldMetricsServer = "metrics.address"
	FieldUserID        = "user.id"
	FieldURL           = "url.full"
	FieldError         = "exception.message"
	FieldErrorType     = "error.type" // the fault's code
	FieldVersion       = "service.version"
	FieldCheck         = "health.check"
	FieldPool          = "db.client.connection.pool.name"
	FieldOperation     = "firebase.operation"
	FieldIntent        = "intent.kind"
	FieldAttempt       = "http.request.resend_count"
	FieldKeyID         = "key.id"
	FieldKeysAge       = "key_set.age" // seconds
	FieldKeysServeTill = "key_set.serves_until"
	FieldTraceID       = "trace_id"
	FieldSpanID        = "span_id"
	FieldSpansLost     = "traces.spans_lost"
)

// Redacted replaces secrets.
const Redacted = "[redacted]"

// alwaysSecret are headers outside the contract.
var alwaysSecret = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "password"}

// NewLogger logs JSON lines. It redacts attributes named in secretNames at any depth, ignoring case, underscores and hyphens; the last part
// of a dotted name counts too. In other text it masks JWTs, bearer tokens and Google API keys.
func NewLogger(w io.Writer, level slog.Leveler, secretNames []string) *slog.Logger {
	r := newRedactor(secretNames)
	out, ok := w.(*BufferedWriter)
	if !ok {
		out = &BufferedWriter{out: w}
	}
	every := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: r.replace})
	return slog.New(inTrace{accessLogHandler{every, out}})
}

type redactor struct{ secret map[string]bool }

func newRedactor(names []string) redactor {
	r := redactor{secret: make(map[string]bool, len(names)+len(alwaysSecret))}
	for _, list := range [][]string{names, alwaysSecret} {
		for _, name := range list {
			r.secret[string(fold(nil, name))] = true
		}
	}
	return r
}

func fold(buffer []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '_' || c == '-':
			continue
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		buffer = append(buffer, c)
	}
	return buffer
}

func (r redactor) isSecret(name string) bool {
	var buffer [64]byte
	if r.secret[string(fold(buffer[:0], name))] {
		return true
	}
	dot := strings.LastIndexByte(name, '.')
	return dot >= 0 && r.secret[string(fold(buffer[:0], name[dot+1:]))]
}

// ours are fields that no client chooses.
var ours = map[string]bool{
	slog.TimeKey: true, slog.LevelKey: true, FieldMethod: true, FieldRoute: true, FieldStatus: true, FieldDuration: true,
	FieldClient: true, FieldErrorType: true, FieldTraceID: true, FieldSpanID: true,
}

func (r redactor) replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && ours[a.Key] {
		return a
	}
	for _, group := range groups {
		if r.isSecret(group) {
			return slog.String(a.Key, Redacted)
		}
	}
	if r.isSecret(a.Key) {
		return slog.String(a.Key, Redacted)
	}
	if a.Value.Kind() == slog.KindString {
		return slog.String(a.Key, mask(a.Value.String()))
	}
	if a.Value.Kind() == slog.KindAny {
		return slog.Any(a.Key, r.cleanAny(a.Value.Any()))
	}
	return a
}

func (r redactor) cleanAny(value any) any {
	switch v := value.(type) {
	case nil, slog.Level, *slog.Source:
		return v
	case error:
		return mask(v.Error())
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return "!ERROR: " + mask(err.Error())
	}
	var tree any
	if json.Unmarshal(encoded, &tree) != nil {
		return Redacted
	}
	return r.cleanTree(tree)
}

func (r redactor) cleanTree(node any) any {
	switch v := node.(type) {
	case map[string]any:
		for name, inner := range v {
			if r.isSecret(name) {
				v[name] = Redacted
			} else {
				v[name] = r.cleanTree(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = r.cleanTree(v[i])
		}
	case string:
		return mask(v)
	}
	return node
}

// tokenLike matches a JWT or its beginning (base64url of `{"`), a bearer token, or a Google API key.
var tokenLike = regexp.MustCompile(
	`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}|AIza[A-Za-z0-9_-]{30,}`)

func mask(text string) string {
	if !strings.Contains(text, "eyJ") && !strings.Contains(text, "AIza") && !containsFold(text, "bearer") {
		return text
	}
	return tokenLike.ReplaceAllString(text, Redacted)
}

func containsFold(text, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == word[0] && strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
