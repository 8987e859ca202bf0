package servicetest

import (
	"fmt"
	"testing"
)

// Each word chooses another half, and a subtest goes with its test.
func TestChosen(t *testing.T) {
	t.Parallel()
	const tests = 1000
	both, ofOne := 0, 0
	for i := range tests {
		name := fmt.Sprintf("TestNumber%d", i)
		one, other := chosen("one", "", name), chosen("other", "", name)
		if one {
			ofOne++
		}
		if one && other {
			both++
		}
		if chosen("one", "", name+"/a case") != one {
			t.Errorf("a case of %s goes another way", name)
		}
		if chosen("one", "^TestNumber", name) {
			t.Errorf("%s was chosen against the pattern", name)
		}
	}
	if ofOne < tests*4/10 || ofOne > tests*6/10 || both < tests/10 || both > tests*4/10 {
		t.Errorf("%d of %d were chosen, %d of them by another word, too", ofOne, tests, both)
	}
}
