package app

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
)

// demoFiles are real published versions of a real register; see demo/SOURCE.md.
//
//go:embed demo/*.gz
var demoFiles embed.FS

// demoVersion is one version that the demo publishes.
type demoVersion struct {
	file        string // under demo/, named after the UTC time at which it was archived
	contentType string
	story       string // what happened on that day
	apps        bool   // the version that lists the first apps
}

var demoVersions = []demoVersion{
	{"2025-12-09T022208Z", "text/csv", "the list of 9 December 2025, seen for the first time", false},
	{"2025-12-16T022655Z", "text/csv", "16 December 2025: a week later", false},
	{"2023-06-13T121245Z", "text/html", "the ministry's server sends a web page in place of the list, as it did in June 2023", false},
	{"2025-12-23T022729Z", "text/csv", "23 December 2025: apps are listed for the first time, and a column is renamed", true},
	{"2026-01-06T022956Z", "text/csv", "6 January 2026: 82 rows are blank, and one entry is missing", false},
	{"2026-01-13T022846Z", "text/csv", "13 January 2026: the entry is still missing", false},
}

func (v demoVersion) body() ([]byte, error) {
	packed, err := demoFiles.ReadFile("demo/" + v.file + ".csv.gz")
	if err != nil {
		return nil, fmt.Errorf("read demo version: %w", err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack demo version: %w", err)
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("unpack demo version: %w", err)
	}
	return body, nil
}
