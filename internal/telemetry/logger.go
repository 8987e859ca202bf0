package telemetry

import (
	"encoding/json"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// Names of log attributes, by OpenTelemetry's semantic conventions where they have one.
const (
	FieldRequestID     = "request_id"
	FieldMethod        = "http.request.method"
	FieldRoute         = "http.route"
	FieldStatus        = "http.response.status_code"
	FieldDuration      = "http.server.request.duration" // seconds, as the metric of that name
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
	FieldIntent        = "intent.kind" // of a change at Firebase that was cut short
	FieldAttempt       = "http.request.resend_count"
	FieldKeyID         = "key.id"
	FieldKeysAge       = "key_set.age" // seconds
	FieldKeysServeTill = "key_set.serves_until"
	FieldTraceID       = "trace_id"
	FieldSpanID        = "span_id"
	FieldSpansLost     = "traces.spans_lost"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// alwaysSecret are header names that no contract marks, because they are not in its schemas.
var alwaysSecret = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "password"}

// NewLogger makes a logger that writes JSON lines to w. An attribute is replaced by [Redacted] when its name, or that of a
// group, map or struct field around or inside it, is one of secretNames: case, underscores and hyphens are not looked at
// ("id_token" is "idToken"), and of a dotted name the last part counts as well. Whatever its name, text that looks like a
// token (a JWT, "Bearer ...", a Google API key) is masked within values and messages, as a second net. A line that is written
// with a request's context names its trace and span.
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

// fold appends name to buffer in the one spelling that all its spellings share.
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
	var buffer [64]byte // on the stack: every attribute of every line comes through here
	if r.secret[string(fold(buffer[:0], name))] {
		return true
	}
	dot := strings.LastIndexByte(name, '.')
	return dot >= 0 && r.secret[string(fold(buffer[:0], name[dot+1:]))]
}

// ours are fields whose values this program chooses: nothing that somebody sent is in them.
var ours = map[string]bool{
	slog.TimeKey: true, slog.LevelKey: true, FieldMethod: true, FieldRoute: true, FieldStatus: true, FieldDuration: true,
	FieldClient: true, FieldErrorType: true, FieldTraceID: true, FieldSpanID: true,
}

// replace is slog's hook: it sees every attribute that is not a group, the message included.
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
	return a // numbers, times, durations and booleans hold no secret
}

// cleanAny cleans what slog would hand to json.Marshal, by marshalling it first: what json would show is what is looked at,
// whatever the type. Errors become their text, as slog has it.
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

// tokenLike: a JWT or its beginning (base64url of `{"`), what follows "Bearer", a Google API key.
var tokenLike = regexp.MustCompile(
	`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}|AIza[A-Za-z0-9_-]{30,}`)

// mask replaces what looks like a token. The look before the leap keeps the expression out of the way of ordinary lines.
func mask(text string) string {
	if !strings.Contains(text, "eyJ") && !strings.Contains(text, "AIza") && !containsFold(text, "bearer") {
		return text
	}
	return tokenLike.ReplaceAllString(text, Redacted)
}

// containsFold looks for a lower-case ASCII word in any case.
func containsFold(text, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == word[0] && strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
