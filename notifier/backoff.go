package notifier

import "time"

// waits are the pauses after the first, second … failed attempt, about three
// days together; after the last one's attempt a delivery is dead.
var waits = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
	12 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

const (
	jitter       = 0.1            // part of a wait that it may be longer
	maxRetryWait = 24 * time.Hour // longest wait that a receiver can ask for
)

// waitAfter is the pause after so many failed attempts; false if there were
// enough. What the receiver asked for is honoured where it is longer. Random
// is in [0, 1).
func waitAfter(attempts int, asked time.Duration, random float64) (time.Duration, bool) {
	if attempts > len(waits) {
		return 0, false
	}
	wait := waits[attempts-1]
	wait += time.Duration(random * jitter * float64(wait))
	return max(wait, min(asked, maxRetryWait)), true
}
