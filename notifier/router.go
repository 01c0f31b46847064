package notifier

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// RegisterFacts are what subscriptions ask of a register.
type RegisterFacts struct {
	Country   string
	Topics    []string
	Authority string
}

// Router decides who hears of an event. It is immutable.
type Router struct {
	routes    []route
	operators []string
}

type route struct {
	register.Subscription
	when *condition // nil: always
}

// NewRouter compiles subscriptions. Operators are the channels that hear of
// signals. The errors' paths are those of the configuration.
func NewRouter(subscriptions []register.Subscription, operators []string) (*Router, []register.FieldError) {
	r := &Router{operators: operators}
	var wrong []register.FieldError
	for i, s := range subscriptions {
		one := route{Subscription: s}
		if strings.TrimSpace(s.When) != "" {
			var err error
			if one.when, err = compile(s.When); err != nil {
				wrong = append(wrong, register.FieldError{Path: fmt.Sprintf("subscriptions[%d].when", i), Message: err.Error(), Hint: hintFor(s.When)})
			}
		}
		r.routes = append(r.routes, one)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return r, nil
}

// hintFor guesses at the commonest slip.
func hintFor(when string) string {
	bare := strings.NewReplacer("==", "", "!=", "", "<=", "", ">=", "").Replace(when)
	if strings.Contains(bare, "=") {
		return "write == to compare"
	}
	return `write something like category == "app"`
}

// Route gives the deliveries of an event, pending and without times: one for
// each channel, taken by the first subscription that names it. Changes that were
// not found by watching have none, signals go to the operators. A condition that
// can not be asked counts as met; the error says which, and the deliveries hold.
func (r *Router) Route(out register.Outgoing, facts func(registerID string) RegisterFacts) ([]register.Delivery, error) {
	if out.Signal != nil {
		return deliveriesOf(out, register.Operators, r.operators, nil), nil
	}
	if out.Change == nil || out.Change.Origin != register.Watch {
		return nil, nil
	}
	about := factsOf(*out.Change, facts)
	var deliveries []register.Delivery
	var errs []error
	for _, one := range r.routes {
		ok, err := one.wants(*out.Change, about)
		if err != nil {
			errs = append(errs, fmt.Errorf("subscription %s: when: %w", one.Name, err))
		}
		if ok || err != nil {
			deliveries = deliveriesOf(out, one.Name, one.To, deliveries)
		}
	}
	return deliveries, errors.Join(errs...)
}

// factsOf falls back on what the change itself says, for a register that is no
// longer known.
func factsOf(c register.Change, facts func(string) RegisterFacts) RegisterFacts {
	about := facts(c.Register)
	if about.Country == "" {
		about.Country = c.Country
	}
	if about.Authority == "" {
		about.Authority = c.Authority
	}
	return about
}

func (r route) wants(c register.Change, facts RegisterFacts) (bool, error) {
	if len(r.Kinds) > 0 && !slices.Contains(r.Kinds, c.Kind) || !r.covers(c.Register, facts) {
		return false, nil
	}
	if r.when == nil {
		return true, nil
	}
	return r.when.holds(c, facts)
}

// covers reports whether the subscription's registers name this one: by id,
// country, topic, or "*".
func (r route) covers(registerID string, facts RegisterFacts) bool {
	return slices.ContainsFunc(r.Registers, func(name string) bool { return answersTo(name, registerID, facts) })
}

func answersTo(name, registerID string, facts RegisterFacts) bool {
	return name == "*" || name == registerID || name == facts.Country || slices.Contains(facts.Topics, name)
}

// Unmatched gives what subscriptions say under `registers` and no known register
// answers to: a misspelling would otherwise be silence for ever.
func (r *Router) Unmatched(registerIDs []string, facts func(registerID string) RegisterFacts) []register.FieldError {
	var wrong []register.FieldError
	for i, one := range r.routes {
		for j, name := range one.Registers {
			matches := func(id string) bool { return answersTo(name, id, facts(id)) }
			if name == "*" || slices.ContainsFunc(registerIDs, matches) {
				continue
			}
			e := register.FieldError{
				Path:    fmt.Sprintf("subscriptions[%d].registers[%d]", i, j),
				Message: fmt.Sprintf("no watched register has the id, country or topic %q", name),
			}
			if near := register.Nearest(name, registerIDs); near != "" {
				e.Hint = "did you mean " + near + "?"
			}
			wrong = append(wrong, e)
		}
	}
	return wrong
}

// deliveriesOf adds a delivery for each channel that has none yet.
func deliveriesOf(out register.Outgoing, subscription string, channels []string, to []register.Delivery) []register.Delivery {
	for _, channel := range channels {
		if slices.ContainsFunc(to, func(d register.Delivery) bool { return d.Channel == channel }) {
			continue
		}
		to = append(to, register.Delivery{
			Event: out.ID, Register: out.Register, Subscription: subscription, Channel: channel, State: register.DeliveryPending,
		})
	}
	return to
}
