package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Key identifies an entry within its register: the compact JSON array of the
// normalised values of the definition's key fields, taken after their type and
// before their map.
type Key string

// NewKey builds the key of the given values, in the order of the definition.
func NewKey(values ...string) Key {
	text := []byte{'['}
	for i, v := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendText(text, Normalize(v))
	}
	return Key(append(text, ']'))
}

// Values gives the key's values back; nil for a text that is not a key.
func (k Key) Values() []string {
	if values, ok := k.plainValues(); ok {
		return values
	}
	var values []string
	if json.Unmarshal([]byte(k), &values) != nil {
		return nil
	}
	return values
}

// plainValues reads a key in which nothing is escaped, as in most; false for any
// other text.
func (k Key) plainValues() ([]string, bool) {
	text, opened := strings.CutPrefix(string(k), `["`)
	text, closed := strings.CutSuffix(text, `"]`)
	if !opened || !closed {
		return nil, false
	}
	values := strings.Split(text, `","`)
	return values, !slices.ContainsFunc(values, needsEscape)
}

// Display gives the key's values that are not empty, for people.
func (k Key) Display() string {
	var shown []string
	for _, v := range k.Values() {
		if v != "" {
			shown = append(shown, v)
		}
	}
	return strings.Join(shown, " · ")
}

// Hash is the first half of a SHA-256: equal hashes are equal contents.
type Hash [16]byte

// String gives the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText encodes the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(h[:], text); err != nil || n != len(h) {
		return fmt.Errorf("hash %q: want 32 hexadecimal digits", text)
	}
	return nil
}

// Value is one field of an entry, as shown: typed and mapped, with the white
// space and the spelling that the register published.
type Value struct{ Name, Text string }

// Values are an entry's fields in the definition's order, empty ones left out.
// As JSON they are one object in that order.
type Values []Value

// Get returns the text of a field; "" where it is empty or absent.
func (v Values) Get(name string) string {
	for _, value := range v {
		if value.Name == name {
			return value.Text
		}
	}
	return ""
}

// MarshalJSON writes an object in field order; nil becomes null.
func (v Values) MarshalJSON() ([]byte, error) {
	size := len("null")
	for _, value := range v {
		size += len(value.Name) + len(value.Text) + len(`"":"",`)
	}
	return v.appendJSON(make([]byte, 0, size)), nil
}

func (v Values) appendJSON(b []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, value := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, value.Name), ':')
		b = appendText(b, value.Text)
	}
	return append(b, '}')
}

// appendText appends a string as JSON.
func appendText(b []byte, text string) []byte {
	switch quoted, other := escapes(text); {
	case other:
		return append(b, compact(text)...)
	case quoted:
		b = append(b, '"')
		for i := 0; i < len(text); i++ {
			if c := text[i]; c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, text[i])
		}
		return append(b, '"')
	}
	b = append(append(b, '"'), text...)
	return append(b, '"')
}

// needsEscape reports whether JSON writes a text otherwise than as it is.
func needsEscape(text string) bool {
	quoted, other := escapes(text)
	return quoted || other
}

// escapes says what of a text JSON does not write as it is: quotes and backslashes,
// as in keys, or one of what few texts have, control characters, the separators of
// lines that JavaScript minds, broken UTF-8.
func escapes(text string) (quoted, other bool) {
	ascii := true
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c < ' ' {
			return quoted, true
		}
		quoted = quoted || c == '"' || c == '\\'
		ascii = ascii && c < utf8.RuneSelf
	}
	return quoted, !ascii && (!utf8.ValidString(text) || strings.Contains(text, "\u2028") || strings.Contains(text, "\u2029"))
}

// UnmarshalJSON reads an object of strings, keeping its order.
func (v *Values) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*v = nil
		return nil
	}
	if values, ok := plainValues(string(text)); ok {
		*v = values
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return fmt.Errorf("values: want an object, have %.40q", text)
	}
	*v = Values{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("values: %w", err)
		}
		var value string
		if err := decoder.Decode(&value); err != nil {
			return fmt.Errorf("values: field %v: %w", name, err)
		}
		*v = append(*v, Value{name.(string), value})
	}
	return nil
}

// plainValues reads what MarshalJSON wrote where nothing in it is escaped, which
// is most of what a store reads: the values share the text. It reports false for
// any other text.
func plainValues(text string) (Values, bool) {
	rest, opened := strings.CutPrefix(text, "{")
	if !opened || strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' || r == '\\' || r == utf8.RuneError }) {
		return nil, false
	}
	if rest == "}" {
		return Values{}, true
	}
	values := make(Values, 0, strings.Count(rest, `":"`))
	for {
		var opened, separated, ended bool
		var v Value
		rest, opened = strings.CutPrefix(rest, `"`)
		v.Name, rest, separated = strings.Cut(rest, `":"`)
		v.Text, rest, ended = strings.Cut(rest, `"`)
		if !opened || !separated || !ended || strings.Contains(v.Name, `"`) {
			return nil, false
		}
		values = append(values, v)
		if rest == "}" {
			return values, true
		}
		if rest, separated = strings.CutPrefix(rest, ","); !separated {
			return nil, false
		}
	}
}

// Entry is one listed thing as a register showed it.
type Entry struct {
	Key     Key
	Fields  Values
	Content Hash // over the compared fields, by name; see [ContentHash]
}

// Identity tells the entries of a register's head apart: the first half of the
// SHA-256 of key and content hash.
func (e Entry) Identity() Hash {
	text := make([]byte, 0, 128)
	text = append(append(text, e.Key...), e.Content[:]...)
	sum := sha256.Sum256(text)
	return Hash(sum[:len(Hash{})])
}

// All gives entries that are in memory as a sequence, in their order.
func All(entries []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// ID names an entry in URLs and events: 26 base32 characters of the SHA-256 of
// register and key. Entries of one register that share a key share it.
func (k Key) ID(registerID string) string {
	hash := k.Hash(registerID)
	return encode(hash[:])
}

// Hash is what [Key.ID] spells.
func (k Key) Hash(registerID string) Hash {
	text := make([]byte, 0, 128)
	text = append(append(append(text, registerID...), 0), k...)
	sum := sha256.Sum256(text)
	return Hash(sum[:len(Hash{})])
}

// ParseID reads what [Key.ID] wrote; false for any other text.
func ParseID(id string) (Hash, bool) {
	var hash Hash
	if lowerBase32.DecodedLen(len(id)) != len(hash) {
		return Hash{}, false
	}
	_, err := lowerBase32.Decode(hash[:], []byte(id))
	return hash, err == nil
}

// ContentHash is over the normalised text of the given fields, each with its
// name, in the order of the names; the caller leaves out what is not compared.
func ContentHash(fields Values) Hash {
	byName := func(a, b Value) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(fields, byName) {
		fields = slices.Clone(fields)
		slices.SortFunc(fields, byName)
	}
	var room [1024]byte // most entries need no more
	content := room[:0]
	for _, f := range fields {
		if text := Normalize(f.Text); text != "" {
			content = append(append(content, f.Name...), 0)
			content = append(append(content, text...), 0)
		}
	}
	sum := sha256.Sum256(content)
	return Hash(sum[:len(Hash{})])
}

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func encode(b []byte) string { return lowerBase32.EncodeToString(b) }

// compact encodes as JSON without escaping <, > and &, which are as good as any
// other character here.
func compact(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("register: " + err.Error()) // strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
