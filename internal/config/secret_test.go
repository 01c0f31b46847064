package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReveal(t *testing.T) {
	path := write(t, "")
	dir := filepath.Dir(path)
	for name, text := range map[string]string{"good": "s3cret\n", "crlf": "s3cret\r\n", "empty": "\n", "spaces": " a b \n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(path, environment())
	if err != nil {
		t.Fatal(err)
	}
	reveal := c.Reveal(environment("TOKEN", "s3cret", "EMPTY", ""))
	for reference, want := range map[string]string{
		"env:TOKEN": "s3cret", "file:good": "s3cret", "file:crlf": "s3cret", "file:spaces": " a b ", "file:" + filepath.Join(dir, "good"): "s3cret",
	} {
		if got, err := reveal(reference); err != nil || got != want {
			t.Errorf("%s: %q, %v", reference, got, err)
		}
	}
	for _, reference := range []string{"env:EMPTY", "env:NONE", "env:", "file:", "file:empty", "file:none", "file:" + dir, "hunter2", ""} {
		if got, err := reveal(reference); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q, %v", reference, got, err)
		}
	}
}
