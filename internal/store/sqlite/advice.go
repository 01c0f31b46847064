package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// advise adds to SQLite's errors on opening what to do about them.
func advise(err error) error {
	cause, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	const primary = 0xff // the low byte of an extended code
	switch cause.Code() & primary {
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: the file is damaged; keep a copy of the data directory, and restore a backup", err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("%w: see that the user who runs this may write to the file and its directory", err)
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: make room on the disk", err)
	}
	return err
}
