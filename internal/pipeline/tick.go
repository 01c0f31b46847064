package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// tick is one run under way: what is known so far, and what it will leave.
type tick struct {
	def    register.Definition
	due    register.Due
	head   register.Head
	run    register.Run
	memory register.Memory  // to be committed
	hint   string           // what an upgrade says besides
	lost   bool             // the definition changed, and the page that must be read anew is gone
	health register.Health  // of this fetch, to be kept if it is believed
	news   int              // entries on the page that are not in the head
	later  []register.RunID // of an approval: partial fetches after the page that is approved
	known  *index.Index     // the head's entries; nil: all entries of the page are in its snapshot
	loaded bool             // it is as its file
	bare   bool             // of some entries that are gone only key and content are kept
	keeps  bool             // it is to be kept once the run is committed
	// how a hold ended in this run; empty: none did
	released string
}

func (p *Pipeline) begin(def register.Definition, due register.Due, head register.Head) *tick {
	now := p.Now().UTC()
	url := ""
	if len(def.Fetch.URLs) > 0 {
		url = def.Fetch.URLs[0]
	}
	t := &tick{def: def, due: due, head: head, memory: head.Memory}
	t.run = register.Run{
		Register: def.ID, Tick: due.Tick.UTC(), Trigger: due.Trigger, Origin: register.Watch,
		StartedAt: now, ObservedAt: now, Fingerprint: def.Fingerprint(),
		Source: register.RunDefinition{
			Title: def.Title, Authority: def.Authority.Name, Country: def.Authority.Country,
			Attribution: def.Attribution, URL: url,
		},
	}
	if due.Trigger == register.TriggerImport || head.Baselined && head.Origin == register.Import {
		t.run.Origin = register.Import // archived versions, or the gap from the last of them to the present
	}
	return t
}

// validators are for a conditional request; none when the page must be read
// anew whatever it holds: by another definition, or because of a hold.
func (t *tick) validators() register.Validators {
	if v := t.head.Memory.Validators; v.Definition == t.run.Fingerprint && t.isSettled() {
		return v
	}
	return register.Validators{}
}

// received notes what came, whole or not.
func (t *tick) received(f scraper.Fetched) {
	t.run.Pages = f.Pages
	t.run.NotModified = f.NotModified
	t.run.PublishedAt = f.PublishedAt
	if !f.ObservedAt.IsZero() {
		t.run.ObservedAt = f.ObservedAt.UTC()
	}
}

// repeats reports whether the fetch shows the very bytes of the last complete
// one, read by the same definition and judged for good. It then is another
// sighting of that one.
func (t *tick) repeats(f scraper.Fetched) bool {
	last := t.head.Memory.Validators
	if !t.head.Baselined || last.Definition != t.run.Fingerprint || !t.isSettled() {
		return false
	}
	same := f.NotModified || len(last.SHA256) > 0 && slices.Equal(hashes(f.Pages), last.SHA256)
	if !same {
		return false
	}
	detail := "the same bytes as the last complete fetch"
	if f.NotModified {
		detail = "not modified since the last complete fetch"
	}
	t.run.NotModified = true
	t.run.Proof = register.Proof{{Name: register.CheckRightThing, Verdict: register.Pass, Detail: detail}}
	t.memory.Validators = f.Validators
	t.memory.Validators.SHA256, t.memory.Validators.Begins, t.memory.Validators.Definition = last.SHA256, last.Begins, last.Definition
	return true
}

// read notes what the pages hold. Only a complete fetch leaves validators and
// health behind. A partial one takes the validators away: it may show what the
// last complete one lacked, so that the same bytes no longer say the same.
func (t *tick) read(f scraper.Fetched, s register.Snapshot, proof register.Proof) {
	t.run.Proof, t.run.Read = proof, s.Counts
	t.run.Partial = proof.Failed() == nil && !proof.Complete()
	if t.run.Partial {
		t.memory.Validators = register.Validators{}
	}
	if !proof.Complete() {
		return
	}
	t.memory.Validators = f.Validators
	t.memory.Validators.SHA256, t.memory.Validators.Definition = hashes(f.Pages), t.run.Fingerprint
	t.memory.Seen = s.Digest()
	t.health = register.Health{
		Known: true, Shape: s.Shape, Encoding: cmp.Or(s.Guessed, t.memory.Health.Encoding), Pages: len(f.Pages), Entries: s.Len(),
		Filled: s.Filled(), Odd: s.Counts.Odd, Unmatched: s.Counts.Unmatched,
		EndsWithNewline: len(f.Pages) > 0 && f.Pages[len(f.Pages)-1].EndsWithNewline,
	}
	if s.Counts.Chars > 0 {
		t.health.RepairRate = float64(s.Counts.Repaired) / float64(s.Counts.Chars)
	}
}

// believed keeps what gate 1 of later fetches compares with.
func (t *tick) believed() {
	if t.health.Known {
		t.memory.Health = t.health
	}
}

// judged takes over what gate 2 decided.
func (t *tick) judged(v differ.Verdict) {
	m := v.Memory
	t.memory.Missing, t.memory.Held, t.memory.Accepted, t.memory.Older = m.Missing, m.Held, m.Accepted, m.Older
	t.memory.Parts = t.parts(v)
	t.released = v.Released
	if v.Outcome != register.OutcomeHeld {
		t.believed()
	}
}

// isSettled reports whether everything that the last complete fetch showed was
// judged for good, save what waits for its confirmation.
func (t *tick) isSettled() bool {
	m := t.head.Memory
	return m.Held == nil && !slices.Contains(m.Rejected, m.Seen)
}

func (t *tick) seen() differ.Seen {
	return differ.Seen{
		At: t.run.ObservedAt, Tick: t.due.Tick, Interval: t.due.Interval,
		Complete: t.run.Proof.Complete(), LastSeen: lastSeen(t.head, t.run.ObservedAt), LastRun: t.head.BelievedRun, Parts: t.head.Memory.Parts,
		Digest: t.memory.Seen, Filled: t.health.Filled, Odd: t.health.Odd,
	}
}

// parts gives the runs since the last one that was believed whole on whose pages
// something of the head is that was not on its: what they brought, or what had
// waited and was there again. This run is 0 until it is recorded.
func (t *tick) parts(v differ.Verdict) []register.RunID {
	brings := len(v.Accepted) > 0 || len(v.Memory.Missing) < len(t.head.Memory.Missing)
	if c := register.CountOf(v.Accepted); c.Added+c.Relisted < t.news {
		brings = false // strangers among them, which must not be read into the head
	}
	switch {
	case t.isBelieved():
		return t.later
	case brings && (t.run.Partial || lacksOnly(v.Memory.Held)):
		return append(slices.Clone(t.memory.Parts), 0)
	}
	return t.memory.Parts
}

// lacksOnly reports whether what is held lacks entries, and is believed in
// everything that it shows.
func lacksOnly(held *register.Held) bool {
	return held != nil && slices.Equal(held.Alarms, []register.Alarm{register.AlarmRemovals})
}

// isBelieved reports whether the head was seen on the pages of this run: they
// were whole, nothing of them was held, and no person has rejected them.
func (t *tick) isBelieved() bool {
	return t.run.Proof.Complete() && t.run.Outcome != register.OutcomeHeld && !slices.Contains(t.memory.Rejected, t.memory.Seen)
}

func lastSeen(head register.Head, otherwise time.Time) time.Time {
	if head.SeenAt.IsZero() {
		return otherwise
	}
	return head.SeenAt
}

func hashes(pages []register.Page) []string {
	var sums []string
	for _, p := range pages {
		sums = append(sums, p.SHA256)
	}
	return sums
}
