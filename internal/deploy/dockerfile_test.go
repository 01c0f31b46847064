package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	release := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	build, final, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found || release == nil {
		t.Fatal("the last stage does not start from scratch")
	}
	for _, want := range []string{"FROM golang:" + string(release[1]) + " AS build", "CGO_ENABLED=0 go build -trimpath", "-X main.version="} {
		if !strings.Contains(build, want) {
			t.Errorf("the build stage lacks %q", want)
		}
	}
	for _, want := range []string{
		"ca-certificates.crt", "ENV REGWATCH_DATA=" + dataAt + "\n", "VOLUME " + dataAt + "\n", "\nUSER 65532:65532\n",
		`CMD ["/regwatch", "healthcheck"]`, "HEALTHCHECK ", `ENTRYPOINT ["/regwatch"]`, `CMD ["run"]`,
	} {
		if !strings.Contains(final, want) {
			t.Errorf("the last stage lacks %q", want)
		}
	}
}
