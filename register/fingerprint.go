package register

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
)

// parserNumber is raised by hand whenever a release reads the same bytes
// differently; it is part of every [Definition.Fingerprint].
const parserNumber = 1

// Fingerprint names what reads a register: everything in the definition that
// decides which entries the same bytes give, and our own parser's number. The
// time zone counts where a field is an instant. When it changes, a difference may be ours and not the register's.
func (d Definition) Fingerprint() string {
	read := struct {
		Parser      int
		Parse       Parse
		Fields      []Field
		Key         []string
		ListedWhile string
		Ignore      []string
		Encoding    string
		Timezone    string `json:",omitempty"`
	}{Parser: parserNumber, Parse: d.Parse, Fields: d.Fields, Key: d.Key, ListedWhile: d.ListedWhile, Ignore: d.Ignore, Encoding: d.Fetch.Encoding}
	if slices.ContainsFunc(d.Fields, func(f Field) bool { return f.Type == TypeDatetime }) {
		read.Timezone = d.Schedule.Timezone
	}
	text, err := json.Marshal(read)
	if err != nil {
		panic("register: fingerprint: " + err.Error()) // plain values always encode
	}
	sum := sha256.Sum256(text)
	return encode(sum[:])
}
