package app

import (
	"context"
	"time"

	"github.com/regwatch/regwatch/internal/bus"
	"github.com/regwatch/regwatch/internal/web"
	"github.com/regwatch/regwatch/register"
)

// listen answers HTTP until ctx ends.
func (s *service) listen(ctx context.Context) error {
	s.health.Add("store", s.Store.Ready)
	s.health.Add("broker", s.bus.Health)
	server, err := web.New(web.Options{
		Listen: s.Config.HTTP.Listen, Insecure: s.Config.HTTP.Insecure, Health: s.health, Metrics: s.metrics, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.log.Info("HTTP is answered", "address", server.Address())
	return server.Run(ctx)
}

// gaugeEvery is how often the service looks at what only the store and the
// broker know.
const gaugeEvery = 15 * time.Second

// gauges keeps metrics of waiting events and of streams, and warns of a stream
// that is nearly full.
func (s *service) gauges(ctx context.Context) error {
	warned := map[string]bool{}
	for {
		if err := s.bus.Health(ctx); err != nil && ctx.Err() == nil { // asked regularly, it also heals the embedded broker
			s.log.Warn("the broker is not well; what was committed waits in the store", "err", err)
		}
		if b, err := s.Store.Backlog(ctx); err == nil {
			s.metrics.Outbox("publication", b.Unpublished)
			s.metrics.Outbox("routing", b.Unrouted)
			s.metrics.Deliveries(string(register.DeliveryPending), b.Pending)
			s.metrics.Deliveries(string(register.DeliveryDead), b.Dead)
			for id, at := range b.Seen { // also by another process, or by this one's predecessor
				if s.definitions.watches(id) {
					s.metrics.Complete(id, at)
				}
			}
		}
		if usages, err := s.bus.Usage(ctx); err == nil {
			for _, u := range usages {
				s.metrics.Stream(u.Stream, u.Share())
				if full := u.Share() >= bus.AlarmShare; full != warned[u.Stream] {
					warned[u.Stream] = full
					s.log.Warn("a stream is nearly full, or no longer is; when it is full its oldest messages go", "stream", u.Stream, "used", u.Share())
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(gaugeEvery):
		}
	}
}
