package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"modernc.org/sqlite" // database/sql's driver "sqlite"
	lib "modernc.org/sqlite/lib"
)

// patience is for how many milliseconds a writer waits for others: longer than
// the baseline of a register of several million entries holds the write lock.
const patience = "120000"

// longestJournal is from how many pages on, 512 MB, a commit folds the journal into
// the file itself. Usually that is done beside the commits, see checkpoints; but
// those that follow each other without a pause would never let it come to the end.
const longestJournal = "65536"

// pageSize is that of a store which is made now, in bytes.
const pageSize = 8192

// keptJournal is how long the journal's file stays once it was folded in, in bytes:
// to write over it is quicker than to make room again.
const keptJournal = 64 << 20

// readers is how many connections may read at once; the writer has its own.
const readers = 8

// Options of a store; the zero value is the default.
type Options struct {
	Now func() time.Time // clock; nil: time.Now
}

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	path  string
	now   func() time.Time
	write *sql.DB // one connection, whose transactions take the write lock when they begin
	read  *sql.DB // connections that can not write

	checkpoints *checkpoints
	recent      recent
	partBytes   int64 // of a block of the index of searches
}

// Open opens the store in the file of that path, which is made and migrated
// where needed; its directory must exist. A store written by a newer release is
// refused.
func Open(ctx context.Context, path string, options Options) (*Store, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{path: absolute, now: options.Now, partBytes: partBytes}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, errors.Join(advise(err), s.Close()))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	pageRoom()
	// A page of 8 KiB holds some twenty-five entries: small enough for changes in many
	// places, large enough for a million entries at once. It applies to a file that is
	// made now. The cache is
	// small because its pages, and the sorting of an index that it bounds too, take
	// several times their size of memory.
	if s.write, err = sql.Open("sqlite", dataSource(s.path, "_txlock=immediate&_journal_mode=WAL", fmt.Sprintf("page_size(%d)", pageSize), "cache_size(-8192)", "wal_autocheckpoint("+longestJournal+")")); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := whileBusy(ctx, func() error { return migrate(ctx, s.write) }); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dataSource(s.path, "_txlock=deferred", "query_only(1)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.read.SetConnMaxIdleTime(time.Minute)
	fold, err := sql.Open("sqlite", dataSource(s.path, "", "busy_timeout(1000)"))
	if err != nil {
		return err
	}
	fold.SetMaxOpenConns(1)
	s.checkpoints = startCheckpoints(fold, s.path)
	return s.read.PingContext(ctx)
}

// How long, and how often, a file is tried that is locked while it is opened.
const (
	busyFor   = 10 * time.Second
	busyEvery = 20 * time.Millisecond
)

// whileBusy repeats what finds the file locked. Whoever closes a store as the last one
// locks it for a moment in which nobody can open it, and for this SQLite does not wait
// as it does for a writer.
func whileBusy(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		if failure, ok := errors.AsType[*sqlite.Error](err); !ok || failure.Code()&0xff != lib.SQLITE_BUSY || time.Since(began) > busyFor {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(busyEvery):
		}
	}
}

// dataSource gives the driver's name for a connection with parameters of the
// driver, which it applies last, and pragmas of its own.
func dataSource(path, parameters string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' { // C:/…
		path = "/" + path
	}
	query := url.Values{"_pragma": slices.Concat([]string{"busy_timeout(" + patience + ")"}, pragmas, []string{
		"synchronous(FULL)", "foreign_keys(ON)", fmt.Sprintf("journal_size_limit(%d)", keptJournal),
	})}
	file := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode() + "&" + parameters}
	return file.String()
}

// Close closes the store once every call has returned. The last process to
// close it folds the journal into the file.
func (s *Store) Close() error {
	var errs []error
	if s.checkpoints != nil {
		errs = append(errs, s.checkpoints.end())
	}
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// update runs f in a transaction that holds the write lock; all of it is kept,
// or nothing if f or the commit fails.
func (s *Store) update(ctx context.Context, f func(*sql.Tx) error) error {
	defer s.checkpoints.committed()
	return transact(ctx, s.write, f)
}

// exec runs one statement that writes, in a transaction of its own.
func (s *Store) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	defer s.checkpoints.committed()
	return s.write.ExecContext(ctx, query, args...)
}

// view runs f in a transaction that sees the store as it is at one instant.
func (s *Store) view(ctx context.Context, f func(*sql.Tx) error) error {
	return transact(ctx, s.read, f)
}

func transact(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	err = f(tx)
	if err == nil {
		err = tx.Commit()
	}
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err) // the transaction ended with ctx, its statements say that they are closed
	}
	return err
}

// querier is what a statement is run on: a pool, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// each calls f for every row of a query, and ends it whatever happens.
func each(ctx context.Context, q querier, f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// limit gives SQLite's spelling of a limit: none is negative.
func limit(n int) int {
	if n <= 0 {
		return -1
	}
	return n
}
