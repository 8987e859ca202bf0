package main

import (
	"bytes"
	"testing"
)

func TestWarnFilter_ShowsWhatIsWorseThanNews(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	q := &warnFilter{to: &shown}
	for _, piece := range []string{`{"level":"INFO","msg":"a"}` + "\n" + `{"lev`, `el":"WARN"}` + "\n\npanic: no\n" + `{"level":"DEBUG"}`, "\n"} {
		if n, err := q.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("writing %q gives %d, %v", piece, n, err)
		}
	}
	if want := `{"level":"WARN"}` + "\n\npanic: no\n"; shown.String() != want {
		t.Errorf("shown is %q, want %q", shown.String(), want)
	}
}
