package app

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Find is [App.AsOf] of the entries in whose key or values a text stands. While
// it reads, it indexes what no service has indexed yet, as far as it gets.
func (a *App) Find(ctx context.Context, id string, at time.Time, text string, yield func(register.Listing) error) error {
	if err := a.known(ctx, id); err != nil {
		return err
	}
	var indexing sync.WaitGroup
	defer indexing.Wait()
	meanwhile, stop := context.WithCancel(ctx)
	defer stop()
	indexing.Go(func() { _, _ = a.index(meanwhile) }) // what fails here only leaves the next search as slow as this one
	return a.seen(ctx, id, a.Store.Find(ctx, id, at, text, yield))
}

// index takes what was committed into the index of searches, until nothing is
// left, and gives how many blocks that were. Each is a transaction of its own, so
// that commits wait for one of them at most.
func (a *App) index(ctx context.Context) (blocks int, err error) {
	for {
		indexed, err := a.Store.IndexBlock(ctx)
		if err != nil || !indexed {
			return blocks, err
		}
		blocks++
	}
}

// indexEvery is how long entries of a run may wait until the service begins to
// index them. Searches find them meanwhile, only slower.
const indexEvery = 5 * time.Second

// From manyBlocks on the memory that they took is given back: a first fetch brought them,
// and changes will bring one now and then.
const manyBlocks = 3

// indexes indexes what is committed, by whatever process, until ctx ends.
func (s *service) indexes(ctx context.Context) error {
	for {
		blocks, err := s.index(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("entries were not indexed for searches, which are slower until they are; trying again", "err", err)
		}
		if blocks >= manyBlocks {
			debug.FreeOSMemory()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(indexEvery):
		}
	}
}
