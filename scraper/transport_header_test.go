package scraper

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestKeptHeader(t *testing.T) {
	h := http.Header{
		"Set-Cookie": {"session=s3cret", "b=s3cret"}, "Authorization": {"Bearer s3cret"}, "X-Api-Key": {"s3cret"}, "X-Csrf-Token": {"s3cret"},
		"Content-Type": {"text/csv"}, "Vary": {"a", "b"}, "X-Long": {strings.Repeat("x", 1<<20)}, "X-Odd": {"\xff"},
	}
	for i := range 1000 {
		h.Set(fmt.Sprintf("Z-%04d", i), "x")
	}
	kept := keptHeader(h)
	text := fmt.Sprint(kept)
	if strings.Contains(text, "s3cret") || len(text) > 8<<10 || len(kept) != maxKeptNames {
		t.Errorf("%d names, %d bytes: %.500s", len(kept), len(text), text)
	}
	if kept.Get("Content-Type") != "text/csv" || kept.Get("Vary") != "a, b" || kept.Get("Set-Cookie") != redacted || kept.Get("X-Odd") != "\uFFFD" {
		t.Errorf("kept %.500s", text)
	}
	if h.Get("Authorization") != "Bearer s3cret" {
		t.Error("the header itself was changed")
	}
}
