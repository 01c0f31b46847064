package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

// testFind looks for texts in which some languages of patterns would see more
// than characters.
func testFind(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	wantNotFound(t, s.store.Find(t.Context(), s.id, time.Time{}, "a", nil), "no run of it is recorded")
	odd := entry(`50% "off" a_b* OR [x] \ -y`, "Заблокирован  НАВСЕГДА")
	plain, mapped := entry("500 off aXb", "on"), entry("c", "on")
	mapped.Key = register.NewKey("Aplikace Mínus")
	s.baseline(odd, plain, mapped)
	begun := s.now
	s.accept(removed(plain))
	find := func(at time.Time, text string) []register.Entry {
		t.Helper()
		var found []register.Listing
		check(t, s.store.Find(t.Context(), s.id, at, text, func(l register.Listing) error {
			found = append(found, l)
			return nil
		}))
		return entriesOf(found)
	}
	for text, want := range map[string][]register.Entry{
		"50%": {odd}, `"OFF"`: {odd}, "a_b": {odd}, "b*": {odd}, "or [X]": {odd}, `\`: {odd}, "-y": {odd}, "заблокирован навсегда": {odd},
		"0 off": {plain}, "  OFF ": {odd, plain}, "mínus": {mapped}, "on": {plain, mapped}, "on\nc": nil, "": {odd, plain, mapped}, "zzz": nil,
	} {
		same(t, "found by "+text, find(begun, text), want)
	}
	same(t, "found now", find(time.Time{}, "off"), []register.Entry{odd})
	stop := errors.New("enough")
	if err := s.store.Find(t.Context(), s.id, time.Time{}, "off", func(register.Listing) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of yield came back as %v", err)
	}
	more, err := s.store.IndexBlock(t.Context())
	check(t, err)
	same(t, "a block of three entries is complete", more, false)
}
