package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/internal/store/storetest"
)

// database makes an empty database, and opens handles to it that are closed
// with the test.
func database(t *testing.T) storetest.Database {
	path := filepath.Join(t.TempDir(), "store of 100% #1?.db")
	return func(t *testing.T) storetest.Store { return open(t, path) }
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestStore(t *testing.T) { storetest.Run(t, database) }
