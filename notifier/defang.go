package notifier

import (
	"regexp"
	"strings"
)

// hostLike finds what mail programs make links of: labels joined by dots, the
// last of which begins with a letter.
var hostLike = regexp.MustCompile(`[\p{L}\p{M}\p{N}_-]+(\.[\p{L}\p{M}\p{N}_-]+)*\.\p{L}[\p{L}\p{M}\p{N}_-]*`)

var schemes = strings.NewReplacer("://", "[:]//", "@", "[@]")

// Defang writes text so that no mail program makes a link of it: example.com
// becomes example[.]com, https://x becomes https[:]//x. Entry values are opaque
// strings and never links: a blocked site must not be one click away.
func Defang(s string) string {
	s = hostLike.ReplaceAllStringFunc(s, func(host string) string { return strings.ReplaceAll(host, ".", "[.]") })
	return schemes.Replace(s)
}
