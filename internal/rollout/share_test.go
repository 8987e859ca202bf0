package rollout

import (
	"fmt"
	"strconv"
	"testing"

	"auth-v2-service/internal/fault"
)

func TestShare_EachOfTwoDecimals(t *testing.T) {
	t.Parallel()
	read := func(text string) (buckets int, faults []fault.Field) {
		share, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		Change{}.share("users", &share, &buckets, &faults)
		return buckets, faults
	}
	for want := range Full + 1 {
		text := fmt.Sprintf("%d.%02d", want/100, want%100)
		got, faults := read(text)
		if shown := fmt.Sprintf("%.2f", Percent(got)); got != want || len(faults) > 0 || shown != text {
			t.Fatalf("%s %% is %d buckets (%v), shown as %s", text, got, faults, shown)
		}
		if _, faults := read(text + "1"); len(faults) == 0 {
			t.Fatalf("%s1 %% was taken", text)
		}
	}
}
