package page_test

import (
	"errors"
	"slices"
	"testing"

	"auth-v2-service/internal/page"
)

func TestCut_OneMoreTellsOfAnotherPage(t *testing.T) {
	t.Parallel()
	const size = page.Size(2)
	for _, c := range []struct {
		found, want []string
		last        string
	}{
		{nil, nil, ""},
		{[]string{"a"}, []string{"a"}, ""},
		{[]string{"a", "b"}, []string{"a", "b"}, ""},
		{[]string{"a", "b", "c"}, []string{"a", "b"}, "b"},
	} {
		got, last := page.Trim(c.found, size)
		if !slices.Equal(got, c.want) || (last != nil) != (c.last != "") || last != nil && *last != c.last {
			t.Errorf("of %v the page is %v up to %v, expected %v up to %q", c.found, got, last, c.want, c.last)
		}
	}
	if size.OneMore() != 3 {
		t.Errorf("a page of 2 asks for %d", size.OneMore())
	}
}

func FuzzDecode(f *testing.F) {
	type place struct{ After string }
	f.Add(page.Encode(place{"jane@example.com"}))
	f.Add("e30")
	f.Add("x")
	f.Add("")
	f.Fuzz(func(t *testing.T, cursor string) {
		var read place
		err := page.Decode(cursor, &read)
		if err != nil && !errors.Is(err, page.ErrInvalidCursor) {
			t.Fatalf("%q: %v", cursor, err)
		}
		if err != nil {
			return
		}
		var again place
		if err := page.Decode(page.Encode(read), &again); err != nil || again != read {
			t.Errorf("%q is %+v, and that %+v (%v)", cursor, read, again, err)
		}
	})
}
