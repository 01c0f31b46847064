package register_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

// TestValuesRoundTrip reads back what was written, whichever way it was read.
func TestValuesRoundTrip(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", `"`, `\`, `":"`, `","`, "}", "a\tb", "\u2028", "<é & ž>", "\x00", `x":"y`, "\ufffd",
	}))
	rapid.Check(t, func(t *rapid.T) {
		values := register.Values{}
		for range rapid.IntRange(0, 5).Draw(t, "fields") {
			values = append(values, register.Value{Name: text.Draw(t, "name"), Text: text.Draw(t, "text")})
		}
		encoded, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		var got register.Values
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if got == nil || !slices.Equal(got, values) {
			t.Fatalf("%s became %q, want %q", encoded, got, values)
		}
	})
}

// FuzzValues reads any text as encoding/json would read it into a map, or
// refuses it.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"a":"b","c":"d"}`, `{"a" : "b"}`, `{"a":"b",}`, `{"a":"b"`, `{"a":"b"}}`, `{"a"x":"b"}`, `{"a":"\n"}`, `[]`, `{"a":1}`, ``,
		`{"a":"b""c":"d"}`, "{\"a\":\"\xff\"}", "{\"a\":\"\n\"}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var values register.Values
		var want map[string]string
		errValues, errWant := values.UnmarshalJSON([]byte(text)), json.Unmarshal([]byte(text), &want)
		if errWant == nil && strings.Contains(text, "null") || !utf8.ValidString(text) {
			return // a null for a text is refused by nobody
		}
		if errValues == nil && errWant != nil && json.Valid([]byte(text)) {
			t.Fatalf("%q was read as %q; encoding/json: %v", text, values, errWant)
		}
		if errWant == nil && errValues != nil {
			t.Fatalf("%q: %v", text, errValues)
		}
		if errWant != nil {
			return
		}
		last := map[string]string{}
		for _, v := range values {
			last[v.Name] = v.Text
		}
		for name := range want {
			if last[name] != want[name] {
				t.Fatalf("%q: %s is %q, want %q", text, name, last[name], want[name])
			}
		}
	})
}

func TestIdentity(t *testing.T) {
	a := register.Entry{Key: `["a"]`, Content: register.Hash{1}}
	sum := sha256.Sum256(append([]byte(`["a"]`), a.Content[:]...))
	if got, want := a.Identity(), register.Hash(sum[:16]); got != want {
		t.Errorf("identity %s, want %s", got, want)
	}
	for name, other := range map[string]register.Entry{
		"another key":     {Key: `["b"]`, Content: a.Content},
		"another content": {Key: a.Key, Content: register.Hash{2}},
	} {
		if other.Identity() == a.Identity() {
			t.Errorf("%s: the same identity", name)
		}
	}
}

// TestKeyValues reads keys as the decoder would, and nothing else.
func TestKeyValues(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		`["a"]`, `["a","b"]`, `["",""]`, `[]`, `["]`, `[""]`, `["a", "b"]`, `["a""b"]`, `["a\"b"]`, `["a\",\"b"]`, "[\"\xff\"]", "[\"\t\"]", `null`, ``, `["a",null]`, `["a"],["b"]`,
	}))
	rapid.Check(t, func(t *rapid.T) {
		key := register.Key(text.Draw(t, "key"))
		var want []string
		if json.Unmarshal([]byte(key), &want) != nil {
			want = nil
		}
		if got := key.Values(); !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Fatalf("values of %q: %q, want %q", key, got, want)
		}
	})
}

// TestTextIsJSON compares what is written by hand with the encoder's.
func TestTextIsJSON(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", `"`, `\`, "a\tb", "\u2028", "\u2029", "<é & ž>", "\x00", "\x7f", "\xff", "–", "\ufffd",
	}))
	rapid.Check(t, func(t *rapid.T) {
		value := register.Value{Name: text.Draw(t, "name"), Text: text.Draw(t, "text")}
		got, err := register.Values{value}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		for _, s := range []string{value.Name, value.Text} {
			if err := encoder.Encode(s); err != nil {
				t.Fatal(err)
			}
		}
		lines := strings.Split(want.String(), "\n")
		if expected := "{" + lines[0] + ":" + lines[1] + "}"; string(got) != expected {
			t.Fatalf("%s, want %s", got, expected)
		}
		want.Reset()
		if err := encoder.Encode([]string{register.Normalize(value.Name), register.Normalize(value.Text)}); err != nil {
			t.Fatal(err)
		}
		if key := register.NewKey(value.Name, value.Text); string(key) != strings.TrimSpace(want.String()) {
			t.Fatalf("key %s, want %s", key, want.String())
		}
	})
}
