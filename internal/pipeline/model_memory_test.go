package pipeline_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/internal/adversary"
	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
	"github.com/regwatch/regwatch/scraper/format"
)

// memoryWorld is a pipeline whose archive and store are in memory, and whose
// source hands it pages without a network.
type memoryWorld struct {
	*memoryStore
	pipeline *pipeline.Pipeline
	def      register.Definition
	page     adversary.Page
	bodies   map[string][]byte
	body     *countedBody // of the last fetch; nil: it gave none
	byRows   int          // fetches of which only some rows were read
	now      time.Time
	ctx      context.Context
}

func newMemoryWorld(ctx context.Context, g adversary.Register) *memoryWorld {
	w := &memoryWorld{memoryStore: newMemoryStore(), def: g.Definition(), bodies: map[string][]byte{}, ctx: ctx}
	for i := range g.Pages {
		w.def.Fetch.URLs = append(w.def.Fetch.URLs, fmt.Sprintf("memory://list/%d", i))
	}
	w.pipeline = &pipeline.Pipeline{
		Source: memorySource{w}, Heads: w.memoryStore, Commits: w.memoryStore, Open: w.open, Now: func() time.Time { return w.now },
	}
	return w
}

// withIndexes has what is known of the head kept in files there, and pages read by
// the bytes of their rows wherever that can be done.
func (w *memoryWorld) withIndexes(dir string) *memoryWorld {
	w.pipeline.Indexes, w.pipeline.SmallIndexes = index.Files{Dir: dir}, true
	return w
}

// countedBody is a body that can be read at any place.
type countedBody struct {
	*bytes.Reader
	looked int
}

// ReadAt reads, and notes that it was asked to.
func (b *countedBody) ReadAt(p []byte, at int64) (int, error) {
	b.looked++
	return b.Reader.ReadAt(p, at)
}

// Have says that all of it has arrived.
func (b *countedBody) Have(int64) (int64, bool, error) { return b.Size(), true, nil }

func (w *memoryWorld) open(sum string) (io.ReadCloser, error) {
	body, ok := w.bodies[sum]
	w.body = nil // the whole page is read
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

func (w *memoryWorld) Fetch(tick time.Time, page adversary.Page) (register.Run, []register.Change, error) {
	w.now, w.page = tick.Add(time.Minute), page
	due := register.Due{Register: w.def.ID, Tick: tick, Trigger: register.TriggerSchedule, Interval: adversary.Between}
	run, changes, err := w.pipeline.Run(w.ctx, w.def, due)
	if w.body != nil && w.body.looked > 0 {
		w.byRows++
	}
	return run, changes, err
}

func (w *memoryWorld) Approve(id register.RunID) (register.Run, []register.Change, error) {
	return w.pipeline.Approve(w.ctx, w.def, id)
}

func (w *memoryWorld) Reject(id register.RunID) (register.Run, error) {
	run, _, err := w.pipeline.Reject(w.ctx, w.def, id)
	return run, err
}

func (w *memoryWorld) Head() (register.Head, []register.Entry, error) {
	return w.head, w.entries, nil
}

func (w *memoryWorld) Signals() ([]register.Signal, error) { return w.signals, nil }

// memorySource hands pages as a transport does that saw how they ended.
type memorySource struct{ *memoryWorld }

func (s memorySource) Fetch(_ context.Context, def register.Definition, _ register.Validators, watch scraper.Watch) (scraper.Fetched, error) {
	fetched := scraper.Fetched{ObservedAt: s.now}
	s.body = nil
	if s.page.Down {
		return fetched, &register.Failure{Class: register.ClassUnreachable, Where: def.Fetch.URLs[0], Err: io.ErrUnexpectedEOF}
	}
	for i, body := range s.page.Bodies {
		framing := register.FramedLength
		if at := s.page.CutAt[i]; at >= 0 {
			body, framing = body[:at], register.FramedCut
		}
		sum := sha256.Sum256(body)
		name := hex.EncodeToString(sum[:])
		s.bodies[name] = body
		fetched.Pages = append(fetched.Pages, register.Page{
			URL: def.Fetch.URLs[i], Status: s.page.Status, FetchedAt: s.now, SHA256: name, Bytes: int64(len(body)), Framing: framing,
			ResponseHeader: http.Header{"Content-Type": {s.page.ContentType}}, EndsWithNewline: bytes.HasSuffix(body, []byte("\n")),
		})
	}
	if s.page.Status != http.StatusOK {
		return fetched, &register.Failure{Class: register.ClassStatus, Where: def.Fetch.URLs[0], Err: fmt.Errorf("status %d", s.page.Status)}
	}
	if s.pipeline.SmallIndexes && len(fetched.Pages) == 1 && format.HasRowBytes(def.Parse) {
		s.body = &countedBody{Reader: bytes.NewReader(s.bodies[fetched.Pages[0].SHA256])}
		fetched.Body = s.body
		if watch != nil && s.body.Size()%2 == 0 {
			watch(fetched.Pages[0], s.body)
		}
	}
	return fetched, nil
}

// memoryStore keeps one register. It refuses what a store must refuse.
type memoryStore struct {
	head    register.Head
	entries []register.Entry
	since   map[register.Key]time.Time
	periods map[register.Key][]register.Period
	runs    []register.Run
	signals []register.Signal
}

func newMemoryStore() *memoryStore {
	return &memoryStore{since: map[register.Key]time.Time{}, periods: map[register.Key][]register.Period{}}
}

func (s *memoryStore) Head(context.Context, string) (register.Head, error) { return s.head, nil }

func (s *memoryStore) HeadEntries(context.Context, string) ([]register.Entry, error) {
	return slices.Clone(s.entries), nil
}

func (s *memoryStore) EachHeadEntry(_ context.Context, _ string, yield func(register.Entry) error) error {
	for _, e := range s.entries {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *memoryStore) HeadEntriesOf(_ context.Context, _ string, identities []register.Hash) ([]register.Entry, error) {
	byIdentity := map[register.Hash]register.Entry{}
	for _, e := range s.entries {
		byIdentity[e.Identity()] = e
	}
	var found []register.Entry
	for _, identity := range identities {
		if e, ok := byIdentity[identity]; ok {
			found = append(found, e)
		}
	}
	return found, nil
}

func (s *memoryStore) EntriesOf(_ context.Context, _ string, missing []register.Missing) ([]register.Entry, error) {
	var found []register.Entry
	for _, m := range missing {
		if at := s.find(register.Entry{Key: m.Key, Content: m.Content}); at >= 0 {
			found = append(found, s.entries[at])
		}
	}
	return found, nil
}

func (s *memoryStore) Periods(_ context.Context, _ string, keys []register.Key) (map[register.Key][]register.Period, error) {
	found := map[register.Key][]register.Period{}
	for _, key := range keys {
		if periods := s.periods[key]; len(periods) > 0 {
			found[key] = slices.Clone(periods)
		}
	}
	return found, nil
}

func (s *memoryStore) Run(_ context.Context, id register.RunID) (register.Run, error) {
	if id < 1 || int(id) > len(s.runs) {
		return register.Run{}, register.ErrNotFound
	}
	return s.runs[id-1], nil
}

// LastAttempt is not asked of a model in which every run is made.
func (s *memoryStore) LastAttempt(context.Context, string) (time.Time, error) {
	return time.Time{}, nil
}

// Tell is not asked of it either.
func (s *memoryStore) Tell(context.Context, register.Commit) error { return nil }

func (s *memoryStore) RanAt(_ context.Context, _ string, tick time.Time) (bool, error) {
	return slices.ContainsFunc(s.runs, func(r register.Run) bool { return r.Trigger == register.TriggerSchedule && r.Tick.Equal(tick) }), nil
}

func (s *memoryStore) Commit(_ context.Context, c register.Commit) (register.Run, []register.Change, error) {
	if c.HeadVersion != s.head.Version {
		return register.Run{}, nil, register.ErrHeadMoved
	}
	id := register.RunID(len(s.runs) + 1)
	if err := s.begin(id, &c); err != nil {
		return register.Run{}, nil, err
	}
	run := c.Run
	run.ID = id
	changes, err := s.apply(run, c)
	if err != nil {
		return register.Run{}, nil, err
	}
	s.head.Version++
	s.head.Register = run.Register
	if run.Outcome == register.OutcomeBaseline || len(changes) > 0 {
		s.head.Run = run.ID
	}
	s.head.Entries = len(s.entries)
	s.head.Memory = c.Memory
	s.head.Memory.Missing = slices.Clone(c.Memory.Missing)
	for i := range s.head.Memory.Missing {
		if m := &s.head.Memory.Missing[i]; m.Run == 0 {
			m.Run = run.ID
		}
	}
	s.head.Memory.Parts = slices.Clone(c.Memory.Parts)
	for i, part := range s.head.Memory.Parts {
		s.head.Memory.Parts[i] = cmp.Or(part, run.ID)
	}
	if held := c.Memory.Held; held != nil {
		own := *held
		own.Run, own.First = cmp.Or(own.Run, run.ID), cmp.Or(own.First, run.ID)
		s.head.Memory.Held = &own
	}
	if run.Outcome == register.OutcomeBaseline {
		s.head.Baselined = true
	}
	if run.Outcome != register.OutcomeFailed && run.Proof.Complete() {
		s.head.SeenRun, s.head.SeenAt, s.head.Fingerprint, s.head.Origin = run.ID, run.ObservedAt, run.Fingerprint, run.Origin
		if run.Outcome != register.OutcomeHeld && !slices.Contains(c.Memory.Rejected, c.Memory.Seen) {
			s.head.BelievedRun = run.ID
		}
	}
	run.Entries = len(s.entries)
	s.runs = append(s.runs, run)
	s.signals = append(s.signals, c.Signals...)
	return run, changes, nil
}

// begin takes a baseline, or nothing of it.
func (s *memoryStore) begin(id register.RunID, c *register.Commit) error {
	if c.Baseline == nil {
		return nil
	}
	var entries []register.Entry
	for e, err := range c.Baseline {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if c.Conclude != nil {
		if err := c.Conclude(c); err != nil {
			return err
		}
	}
	run := c.Run
	run.ID = id
	for _, e := range entries {
		s.list(e, run)
	}
	return nil
}

// apply carries out what was accepted, in its order.
func (s *memoryStore) apply(run register.Run, c register.Commit) ([]register.Change, error) {
	var changes []register.Change
	for _, a := range c.Accepted {
		change := register.Change{Kind: a.Kind, Key: a.Key(), ObservedAt: run.ObservedAt, Run: run.ID}
		if a.Before != nil {
			at := s.find(*a.Before)
			if at < 0 {
				return nil, fmt.Errorf("%s: %s is not in the head: %w", a.Kind, a.Before.Key, register.ErrNotFound)
			}
			change.Before = s.entries[at].Fields
			s.entries = slices.Delete(s.entries, at, at+1)
			if a.After == nil || a.After.Key != a.Before.Key || a.Kind == register.Removed {
				key := a.Before.Key
				s.periods[key] = append(s.periods[key], register.Period{From: s.since[key], To: run.ObservedAt})
			}
		}
		if a.After != nil && a.Kind != register.Removed {
			if s.find(*a.After) >= 0 {
				return nil, fmt.Errorf("%s: %s: %w", a.Kind, a.After.Key, register.ErrListed)
			}
			change.After = a.After.Fields
			s.list(*a.After, run)
		}
		if !a.MissingSince.IsZero() {
			change.MissingSince = &a.MissingSince
		}
		changes = append(changes, change)
	}
	return changes, nil
}

func (s *memoryStore) list(e register.Entry, run register.Run) {
	s.entries = append(s.entries, e)
	s.since[e.Key] = run.ObservedAt
}

func (s *memoryStore) find(e register.Entry) int {
	return slices.IndexFunc(s.entries, func(other register.Entry) bool { return other.Key == e.Key && other.Content == e.Content })
}
