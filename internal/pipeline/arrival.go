package pipeline

import (
	"context"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// arrivals hash the rows of a large page while it arrives, and read the index of the
// head beside that. They only spare work after its last byte: whatever they come to,
// the page is judged when it is whole, and where they failed it is read then.
type arrivals struct {
	pipeline *Pipeline
	tick     *tick
	last     *arrival // nil: none
}

// arrival is one body.
type arrival struct {
	body   scraper.Arriving
	stop   context.CancelFunc
	done   chan struct{}
	known  *index.Index // nil if it is not as its file
	hashed *scraper.HashedRows
}

// watch gives what a fetch tells of its bodies; nil where no rows are known.
func (a *arrivals) watch(ctx context.Context) scraper.Watch {
	t := a.tick
	if t.lost || !t.head.Baselined || !a.pipeline.keepsIndex(t.head.Entries) {
		return nil
	}
	return func(page register.Page, body scraper.Arriving) {
		a.drop() // what an earlier attempt had brought
		ctx, stop := context.WithCancel(ctx)
		next := &arrival{body: body, stop: stop, done: make(chan struct{})}
		a.last = next
		go func() {
			defer close(next.done)
			a.pipeline.hash(ctx, t, page, next)
		}()
	}
}

func (p *Pipeline) hash(ctx context.Context, t *tick, page register.Page, a *arrival) {
	reader, err := p.reader(t.def)
	if err != nil {
		return // it is said when the page is read
	}
	if a.known, err = p.Indexes.Load(index.HeadOf(t.head)); err != nil {
		a.known = nil
		return
	}
	a.hashed, _ = reader.HashRows(ctx, page, a.body, t.head.Memory.Health, a.known)
}

// of gives the index and the hashes of the body that the fetch has brought; nil
// where there are none. Hashes are the caller's to close.
func (a *arrivals) of(fetched scraper.Fetched) (*index.Index, *scraper.HashedRows) {
	last := a.last
	if last == nil || fetched.Body != last.body {
		a.drop()
		return nil, nil
	}
	<-last.done
	last.stop()
	a.last = nil
	return last.known, last.hashed
}

// drop ends what is of no use.
func (a *arrivals) drop() {
	if a.last == nil {
		return
	}
	a.last.stop()
	<-a.last.done
	a.last.hashed.Close()
	a.last.known.Close()
	a.last = nil
}
