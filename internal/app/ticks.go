package app

import (
	"context"
	"time"

	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/register"
)

// ticks is the store as the scheduler sees it when it begins with a register.
type ticks struct{ *sqlite.Store }

// LastTick gives the last tick that was published, if a run came of it. Otherwise
// there was none: its message may have gone with the broker, and the tick is made
// up for. To ask twice does no harm, because a tick is run once. A tick that is
// still to come was published by a clock that was wrong, and is none either.
func (t ticks) LastTick(ctx context.Context, registerID string) (time.Time, error) {
	last, err := t.Store.LastTick(ctx, registerID)
	if err != nil || last.IsZero() {
		return time.Time{}, err
	}
	if last.After(time.Now()) {
		return time.Time{}, nil
	}
	ran, err := t.RanAt(ctx, registerID, last)
	if err != nil || !ran {
		return time.Time{}, err
	}
	return last, nil
}

// attempts is the service as the lookout sees it.
type attempts struct{ *service }

func (a attempts) LastAttempt(ctx context.Context, registerID string) (time.Time, error) {
	return a.Store.LastAttempt(ctx, registerID)
}

func (a attempts) Paused(ctx context.Context, registerID string) (bool, error) {
	return a.Store.Paused(ctx, registerID)
}

func (a attempts) TellStale(ctx context.Context, def register.Definition, attempt time.Time) error {
	told, err := a.pipeline(a.scraper).TellStale(ctx, def, attempt)
	if told {
		a.relay.Wake()
		a.log.Warn("a register is due and nobody makes its runs", "register", def.ID, "last_attempt", attempt)
	}
	return err
}
