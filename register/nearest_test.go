package register

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"listen", "public_url", "insecure", "to"}
	for unknown, want := range map[string]string{
		"lisen": "listen", "publicurl": "public_url", "insceure": "insecure", "colour": "", "": "", "xy": "",
	} {
		if got := Nearest(unknown, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", unknown, got, want)
		}
	}
}
