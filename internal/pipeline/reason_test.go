package pipeline

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// A larger fetch.max_bytes is advised where it is the limit, and not where a page
// within it would take too much memory: that says itself what to do.
func TestAdviceOnWhatIsTooLarge(t *testing.T) {
	for check, want := range map[string]string{register.CheckCap: "fetch.max_bytes", register.CheckShape: ""} {
		got := advice(register.Check{Name: check, Verdict: register.Fail, Class: register.ClassTooLarge})
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", check, got, want)
		}
	}
}
