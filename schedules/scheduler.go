package schedules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Publisher takes due messages to whoever makes the runs. It is called from
// several goroutines at once.
type Publisher interface {
	// PublishDue publishes a due message. It is idempotent per MessageID, and
	// the message is durable when it returns nil.
	PublishDue(ctx context.Context, due register.Due) error
}

// Ledger remembers the ticks of every register across restarts. It is called
// from several goroutines at once.
type Ledger interface {
	// LastTick gives the last tick that was published for a register; the zero
	// time and nil if there was none.
	LastTick(ctx context.Context, register string) (time.Time, error)
	// SaveTicks keeps the last tick that was published and the next one, to be
	// shown. It is idempotent. Either may be the zero time: none.
	SaveTicks(ctx context.Context, register string, last, next time.Time) error
	// Paused reports whether a person has paused the register.
	Paused(ctx context.Context, register string) (bool, error)
}

// Options of a [Scheduler]. Definitions may be empty; disabled ones are left out.
type Options struct {
	Definitions []register.Definition
	Publisher   Publisher
	Ledger      Ledger
	Log         *slog.Logger                           // nil: discarded
	Jitter      func(most time.Duration) time.Duration // a random part of most; nil: evenly distributed
}

// Scheduler publishes a due message for every tick of every enabled definition.
// Several may run at once: the messages of a tick have one id.
type Scheduler struct {
	publisher Publisher
	ledger    Ledger
	log       *slog.Logger
	jitter    func(time.Duration) time.Duration
	replaced  chan struct{} // holds one when plans has changed

	mu    sync.Mutex
	plans map[string]plan
}

// plan is when one register is due.
type plan struct {
	register string
	schedule register.Schedule
	spec     Spec
}

// NewScheduler makes a scheduler that [Scheduler.Run] starts. The error names
// every definition whose schedule can not be used; [Load] gives none such.
func NewScheduler(o Options) (*Scheduler, error) {
	plans, err := plansOf(o.Definitions)
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		publisher: o.Publisher, ledger: o.Ledger, log: o.Log, jitter: o.Jitter,
		plans: plans, replaced: make(chan struct{}, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.jitter == nil {
		s.jitter = rand.N[time.Duration]
	}
	return s, nil
}

func plansOf(definitions []register.Definition) (map[string]plan, error) {
	plans := map[string]plan{}
	var wrong []error
	for _, d := range definitions {
		spec, err := Parse(d.Schedule.Cron, d.Schedule.Timezone)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("schedule %s: %w", d.ID, err))
			continue
		}
		if !d.Disabled {
			plans[d.ID] = plan{register: d.ID, schedule: d.Schedule, spec: spec}
		}
	}
	return plans, errors.Join(wrong...)
}

// Replace puts another set of definitions in force, also while Run runs: what
// is new starts, what is gone stops, and what has the same schedule goes on
// undisturbed. After an error the old set stays in force.
func (s *Scheduler) Replace(definitions []register.Definition) error {
	plans, err := plansOf(definitions)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.plans = plans
	s.mu.Unlock()
	select {
	case s.replaced <- struct{}{}:
	default: // one is waiting already
	}
	return nil
}

// follower is the goroutine of one register.
type follower struct {
	plan plan
	stop context.CancelFunc
	done chan struct{}
}

// end stops the goroutine and waits for it.
func (f follower) end() {
	f.stop()
	<-f.done
}

// Run publishes due messages until ctx ends, and returns nil then, when all
// that it started has ended. It must not be called twice at once.
func (s *Scheduler) Run(ctx context.Context) error {
	followers := map[string]follower{}
	for {
		s.apply(ctx, followers)
		select {
		case <-s.replaced:
		case <-ctx.Done():
			for _, f := range followers {
				f.end()
			}
			return nil
		}
	}
}

// apply makes the followers those of the plans in force.
func (s *Scheduler) apply(ctx context.Context, followers map[string]follower) {
	s.mu.Lock()
	plans := s.plans
	s.mu.Unlock()
	for id, f := range followers {
		if p, stays := plans[id]; !stays || p.schedule != f.plan.schedule {
			f.end()
			delete(followers, id)
		}
	}
	for id, p := range plans {
		if _, runs := followers[id]; runs {
			continue
		}
		inner, stop := context.WithCancel(ctx)
		f := follower{plan: p, stop: stop, done: make(chan struct{})}
		followers[id] = f
		go func() {
			defer close(f.done)
			s.follow(inner, p)
		}()
	}
}
