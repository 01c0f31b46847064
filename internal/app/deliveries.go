package app

import (
	"context"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Deliveries gives the deliveries that the filter names, newest first.
func (a *App) Deliveries(ctx context.Context, filter register.DeliveryFilter) ([]register.Delivery, error) {
	return a.Store.Deliveries(ctx, filter)
}

// Attempts gives the attempts of a delivery, oldest first.
func (a *App) Attempts(ctx context.Context, delivery int64) ([]register.Attempt, error) {
	return a.Store.Attempts(ctx, delivery)
}

// Redeliver makes the deliveries that the filter names pending again, and gives
// how many they are. The running service, or the next one, sends them.
func (a *App) Redeliver(ctx context.Context, filter register.DeliveryFilter) (int, error) {
	var known []register.Delivery
	var err error
	if len(filter.IDs) > 0 {
		known, err = a.Store.Deliveries(ctx, register.DeliveryFilter{IDs: filter.IDs})
	}
	if err != nil {
		return 0, err
	}
	for _, id := range filter.IDs {
		if !hasDelivery(known, id) {
			return 0, fmt.Errorf("no delivery %d: %w; `regwatch deliveries` lists them; nothing was changed", id, register.ErrNotFound)
		}
	}
	return a.Store.Redeliver(ctx, filter, time.Now())
}

func hasDelivery(deliveries []register.Delivery, id int64) bool {
	for _, d := range deliveries {
		if d.ID == id {
			return true
		}
	}
	return false
}
