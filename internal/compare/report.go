package compare

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"auth-v2-service/internal/proof"
)

// Report writes NDJSON: differences, the summary, and the signed note where there is a key.
type Report struct {
	to     io.Writer
	digest hash.Hash
}

// NewReport returns a report that writes to w.
func NewReport(w io.Writer) *Report {
	digest := sha256.New()
	return &Report{to: io.MultiWriter(w, digest), digest: digest}
}

// Add writes a difference.
func (r *Report) Add(d Difference) error { return r.line(d) }

func (r *Report) line(value any) error {
	if err := json.NewEncoder(r.to).Encode(value); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// Scope says what was compared.
type Scope struct {
	Project  string `json:"project"`
	Tenant   string `json:"tenant,omitempty"`
	Database string `json:"database"`
	At       string `json:"at"` // RFC 3339
}

type summaryLine struct {
	Scope   `json:"scope"`
	Summary `json:"summary"`
}

type noteLine struct {
	Note string `json:"note"`
}

// End writes the summary, and the note that secret signs unless it is empty.
func (r *Report) End(scope Scope, s Summary, secret string) error {
	if err := r.line(summaryLine{scope, s}); err != nil || secret == "" {
		return err
	}
	signed, err := proof.Sign(noteText(scope, s, r.digest.Sum(nil)), secret)
	if err != nil {
		return err
	}
	return r.line(noteLine{signed})
}

func noteText(scope Scope, s Summary, digest []byte) string {
	return fmt.Sprintf("auth-v2-service users verify\nproject %q\ntenant %q\ndatabase %q\nat %s\nrows %d\nroot %s\nreport %s\n",
		scope.Project, scope.Tenant, scope.Database, scope.At, s.Rows, s.Hash, base64.StdEncoding.EncodeToString(digest))
}

// ErrReport says that a report is not as it was signed.
var ErrReport = errors.New("this report is not as it was signed")

// CheckReport checks the note of a report by the public key and returns what it says.
func CheckReport(from io.Reader, public string) (Scope, Summary, error) {
	var last, before []byte
	digest := sha256.New()
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Scope{}, Summary{}, fmt.Errorf("read the report: %w", err)
		}
		_, _ = digest.Write(last)
		before, last = last, line
	}
	var note noteLine
	var said summaryLine
	if json.Unmarshal(last, &note) != nil || note.Note == "" {
		return Scope{}, Summary{}, fmt.Errorf("%w: its last line is no signed note", ErrReport)
	}
	if exact, err := json.Marshal(note); err != nil || !bytes.Equal(append(exact, '\n'), last) {
		return Scope{}, Summary{}, fmt.Errorf("%w: its note was written again", ErrReport)
	}
	if err := json.Unmarshal(before, &said); err != nil {
		return Scope{}, Summary{}, fmt.Errorf("%w: it has no summary", ErrReport)
	}
	signed, err := proof.Open(note.Note, public)
	if err != nil {
		return Scope{}, Summary{}, fmt.Errorf("%w: %w", ErrReport, err)
	}
	if signed != noteText(said.Scope, said.Summary, digest.Sum(nil)) {
		return Scope{}, Summary{}, fmt.Errorf("%w: its lines were changed", ErrReport)
	}
	return said.Scope, said.Summary, nil
}
