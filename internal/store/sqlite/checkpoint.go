package sqlite

import (
	"context"
	"database/sql"
	"os"
	"sync/atomic"
	"time"
)

// What is written lies in the journal alone for checkpointEvery at least, and then until
// nothing has been written for checkpointCalm, but not for longer than checkpointMost:
// what a large commit sets off needs processor and disk itself.
const (
	checkpointEvery = 5 * time.Second
	checkpointCalm  = time.Second
	checkpointMost  = 30 * time.Second
)

// began is an instant of the clock that nobody sets.
var began = time.Now()

// checkpoints folds the journal into the file while others write. SQLite would do
// it at the end of whichever commit makes the journal long, and the change that is
// committed waits for the writing of pages of older ones.
type checkpoints struct {
	db    *sql.DB
	path  string // of the journal
	dirty chan struct{}
	last  atomic.Int64 // write, in nanoseconds since began
	stop  chan struct{}
	ended chan struct{}
}

func startCheckpoints(db *sql.DB, path string) *checkpoints {
	c := &checkpoints{db: db, path: path + "-wal", dirty: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{})}
	go c.run()
	return c
}

// committed says that there is something in the journal.
func (c *checkpoints) committed() {
	c.last.Store(int64(time.Since(began)))
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

func (c *checkpoints) run() {
	defer close(c.ended)
	for {
		select {
		case <-c.stop:
			return
		case <-c.dirty:
		}
		if !c.pause(checkpointEvery) || !c.calm() {
			return
		}
		c.fold()
	}
}

// calm waits until nothing was written for a while, or for long. False: it is to stop.
func (c *checkpoints) calm() bool {
	for from := time.Now(); time.Since(from) < checkpointMost; {
		rest := checkpointCalm - (time.Since(began) - time.Duration(c.last.Load()))
		if rest <= 0 {
			break
		}
		if !c.pause(rest) {
			return false
		}
	}
	return true
}

func (c *checkpoints) pause(d time.Duration) bool {
	select {
	case <-c.stop:
		return false
	case <-time.After(d):
		return true
	}
}

// fold folds in what it can. What it can not now, for a full disk or a reader,
// stays in the journal, safe, for the next time.
func (c *checkpoints) fold() {
	var busy, pages, folded int
	err := c.db.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &pages, &folded)
	if err == nil && pages == folded {
		c.cut()
	}
}

// cut makes a journal short that was folded in and is longer than it is kept. It
// is cut by the first commit after it was folded in, and after a baseline that
// takes a tenth of a second: so that it is not that of a change, this one changes
// nothing. It does not wait long for another process that writes.
func (c *checkpoints) cut() {
	if info, err := os.Stat(c.path); err == nil && info.Size() > keptJournal {
		_, _ = c.db.ExecContext(context.Background(), `PRAGMA user_version = 0`) // which nobody reads, and a page is written for
	}
}

// end waits for the checkpoint under way, and closes the connection.
func (c *checkpoints) end() error {
	close(c.stop)
	<-c.ended
	return c.db.Close()
}
