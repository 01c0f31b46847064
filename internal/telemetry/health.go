package telemetry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Health asks the parts of the service whether they can do their work.
type Health struct {
	mu     sync.Mutex
	checks map[string]func(context.Context) error
}

// NewHealth makes a health that is good, having nobody to ask.
func NewHealth() *Health { return &Health{checks: map[string]func(context.Context) error{}} }

// Add lets a part be asked under a name; nil means that it is well.
func (h *Health) Add(name string, check func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = check
}

// Ready asks every part and names those that are not well, and why.
func (h *Health) Ready(ctx context.Context) error {
	h.mu.Lock()
	checks := maps.Clone(h.checks)
	h.mu.Unlock()
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		if err := checks[name](ctx); err != nil {
			wrong = append(wrong, name+": "+err.Error())
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("not ready: %s", strings.Join(wrong, "; "))
	}
	return nil
}
