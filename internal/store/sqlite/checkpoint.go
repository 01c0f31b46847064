package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// checkpointEvery is how long commits lie in the journal alone, at least.
const checkpointEvery = 5 * time.Second

// checkpoints folds the journal into the file while others write. SQLite would do
// it at the end of whichever commit makes the journal long, and the change that is
// committed waits for the writing of pages of older ones.
type checkpoints struct {
	db    *sql.DB
	dirty chan struct{}
	stop  chan struct{}
	ended chan struct{}
}

func startCheckpoints(db *sql.DB) *checkpoints {
	c := &checkpoints{db: db, dirty: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{})}
	go c.run()
	return c
}

// committed says that there is something in the journal.
func (c *checkpoints) committed() {
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
		select {
		case <-c.stop:
			return
		case <-time.After(checkpointEvery):
		}
		c.fold()
	}
}

// fold folds in what it can. What it can not now, for a full disk or a reader,
// stays in the journal, safe, for the next time.
func (c *checkpoints) fold() {
	_, _ = c.db.ExecContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`)
}

// end waits for the checkpoint under way, and closes the connection.
func (c *checkpoints) end() error {
	close(c.stop)
	<-c.ended
	return c.db.Close()
}
