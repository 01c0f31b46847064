package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Store is what is tested: the sum of what a store's consumers ask of it. Its
// contracts are those of the methods of package sqlite.
type Store interface {
	Close() error

	Head(ctx context.Context, registerID string) (register.Head, error)
	HeadEntries(ctx context.Context, registerID string) ([]register.Entry, error)
	EachHeadEntry(ctx context.Context, registerID string, yield func(register.Entry) error) error
	HeadEntriesOf(ctx context.Context, registerID string, identities []register.Hash) ([]register.Entry, error)
	EntriesOf(ctx context.Context, registerID string, refs []register.Missing) ([]register.Entry, error)
	Periods(ctx context.Context, registerID string, keys []register.Key) (map[register.Key][]register.Period, error)
	RanAt(ctx context.Context, registerID string, tick time.Time) (bool, error)
	LastAttempt(ctx context.Context, registerID string) (time.Time, error)
	Commit(ctx context.Context, c register.Commit) (register.Run, []register.Change, error)
	Tell(ctx context.Context, c register.Commit) error

	AsOf(ctx context.Context, registerID string, at time.Time, yield func(register.Listing) error) error
	Find(ctx context.Context, registerID string, at time.Time, text string, yield func(register.Listing) error) error
	IndexBlock(ctx context.Context) (bool, error)
	Net(ctx context.Context, registerID string, from, to time.Time, yield func(register.Accepted) error) error
	Entry(ctx context.Context, registerID string, key register.Key) (register.EntryHistory, error)
	EntryByID(ctx context.Context, registerID, entryID string) (register.EntryHistory, error)
	Changes(ctx context.Context, filter register.ChangeFilter, yield func(register.Change) error) error
	Change(ctx context.Context, id string) (register.Change, error)
	Runs(ctx context.Context, filter register.RunFilter) ([]register.Run, error)
	Run(ctx context.Context, id register.RunID) (register.Run, error)

	Registers(ctx context.Context) ([]register.RegisterState, error)
	Pause(ctx context.Context, registerID string) error
	Resume(ctx context.Context, registerID string) error
	Paused(ctx context.Context, registerID string) (bool, error)
	LastTick(ctx context.Context, registerID string) (time.Time, error)
	SaveTicks(ctx context.Context, registerID string, last, next time.Time) error

	Unpublished(ctx context.Context, after int64, n int) ([]register.Outgoing, error)
	MarkPublished(ctx context.Context, ids []string, at time.Time) error
	Lease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error

	Events(ctx context.Context, ids []string) ([]register.Outgoing, error)
	Unrouted(ctx context.Context, committedBefore time.Time, n int) ([]register.Outgoing, error)
	Route(ctx context.Context, eventIDs []string, deliveries []register.Delivery, at time.Time) error
	DueDeliveries(ctx context.Context, channel string, now time.Time, after int64, n int) ([]register.Delivery, error)
	Record(ctx context.Context, results []register.Result) error
	Deliveries(ctx context.Context, filter register.DeliveryFilter) ([]register.Delivery, error)
	Attempts(ctx context.Context, delivery int64) ([]register.Attempt, error)
	Redeliver(ctx context.Context, filter register.DeliveryFilter, now time.Time) (int, error)
	Replay(ctx context.Context, since time.Time, routes func(register.Change) []register.Delivery, now time.Time) (int, error)

	Keep(ctx context.Context, now time.Time, keep time.Duration) (map[string]bool, error)
	Stats(ctx context.Context) (register.StoreStats, error)
	Backlog(ctx context.Context) (register.Backlog, error)
	Ready(ctx context.Context) error
	Check(ctx context.Context) error
}

// Database opens one database: every call gives another handle to the same one,
// as another process would have it.
type Database func(t *testing.T) Store

// Run runs the suite. Each of its tests makes an empty database.
func Run(t *testing.T, create func(t *testing.T) Database) {
	tests := []struct {
		name string
		test func(*testing.T, Database)
	}{
		{"an empty store", testEmpty},
		{"baseline", testBaseline},
		{"a baseline as a stream", testBaselineStream},
		{"entries of the head", testHeadEntries},
		{"every kind of change", testKinds},
		{"changes without a sequence", testOrigins},
		{"failed run", testFailedRun},
		{"sightings", testSightings},
		{"a signal without a run", testTell},
		{"refused commits", testRefused},
		{"a commit that fails midway", testAtomic},
		{"a commit that is canceled", testCanceled},
		{"a baseline that is concluded", testConcluded},
		{"compare and swap", testHeadMoved},
		{"one run per tick", testAlreadyRun},
		{"two handles", testTwoHandles},
		{"removal by absence", testAbsence},
		{"removal by statement", testStatement},
		{"one entry takes another's place", testPlaces},
		{"several entries of one key", testSharedKey},
		{"periods", testPeriods},
		{"delisted and listed again at once", testListedAgainAtOnce},
		{"as of", testAsOf},
		{"find", testFind},
		{"net difference", testNet},
		{"entry", testEntry},
		{"change log", testChangeLog},
		{"runs", testRuns},
		{"registers", testRegisters},
		{"outbox", testOutbox},
		{"leases", testLeases},
		{"routing", testRoute},
		{"routing of several", testRouteTogether},
		{"deliveries", testDeliveries},
		{"redelivery", testRedeliver},
		{"replay", testReplay},
		{"retention", testKeep},
		{"backlog", testBacklog},
		{"model of history", testModel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, create(t)) })
	}
}
