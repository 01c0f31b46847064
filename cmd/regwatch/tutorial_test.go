package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheTutorialIsRight does what the first pages of docs/adding-a-register.md
// say, with what they show: a page, a definition and a configuration.
func TestTheTutorialIsRight(t *testing.T) {
	text, err := os.ReadFile("../../docs/adding-a-register.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^ *```[a-z]*\n(.*?)^ *```$").FindAllSubmatch(text, 3)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks, want a page, a definition and a configuration", len(blocks))
	}
	dir := t.TempDir()
	for i, name := range []string{"blocked.csv", "my-register.yaml", "regwatch.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), blocks[i][1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("REGWATCH_DATA", filepath.Join(dir, "data"))
	t.Setenv("WEBHOOK_SECRET", "something long that is told to nobody")
	t.Chdir(dir)
	for _, step := range []struct{ command, want string }{
		{"registers check my-register.yaml", "my-register.yaml: ok: cy-blocked"},
		{"extract --definition my-register.yaml blocked.csv", "casino-two.example  no licence  2026-02-05"},
		{"--config regwatch.yaml subscriptions check", "are well"},
		{"--config regwatch.yaml registers list", "cy-blocked                watched"},
	} {
		var out bytes.Buffer
		if code := run(append([]string{"regwatch"}, strings.Fields(step.command)...), &out, io.Discard); code != exitDone || !strings.Contains(out.String(), step.want) {
			t.Errorf("regwatch %s: exit code %d, and not %q:\n%s", step.command, code, step.want, out.String())
		}
	}
}
