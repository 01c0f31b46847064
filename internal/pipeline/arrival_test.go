package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// announcing tells of bodies that arrive before the one that is fetched.
type announcing struct {
	pipeline.Source
	bodies []scraper.Arriving
	fails  error
}

func (s announcing) Fetch(ctx context.Context, def register.Definition, v register.Validators, watch scraper.Watch) (scraper.Fetched, error) {
	fetched, err := s.Source.Fetch(ctx, def, v, watch)
	for _, body := range s.bodies {
		if watch != nil {
			size, _, _ := body.Have(0)
			watch(register.Page{URL: "https://register.example/", Bytes: size}, body)
		}
	}
	return fetched, errors.Join(err, s.fails)
}

// TestBodiesThatAreNotFetched tells of bodies that are given up, as attempts that were
// cut are: what was hashed of them counts for nothing.
func TestBodiesThatAreNotFetched(t *testing.T) {
	other := func() *arrivedBody { // without the second half of the rows
		return &arrivedBody{bytes.NewReader([]byte("id,name\n1,Renamed\n200,Name 200\n300,Never listed\n")), nil}
	}
	broken := func() *arrivedBody { return &arrivedBody{other().Reader, errors.New("the body was cut")} }
	for name, bodies := range map[string][]scraper.Arriving{
		"another":            {other()},
		"one that was cut":   {broken()},
		"several":            {broken(), other(), other()},
		"none that has rows": {&arrivedBody{bytes.NewReader(nil), nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newIndexBench(t)
			b.publish(manyRows...)
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.Source = announcing{b.Source, bodies, nil}
			b.publish(laterRows...)
			if run := b.expect(register.OutcomeChanged, laterHas); run.Waiting != 1 {
				t.Errorf("%d wait, want 1", run.Waiting)
			}
			b.expect(register.OutcomeChanged, register.Counts{Removed: 1})
			if diff := cmp.Diff(199+1, len(b.head())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFetchFailsBesideItsBody ends a fetch after it has told of a body.
func TestFetchFailsBesideItsBody(t *testing.T) {
	b := newIndexBench(t)
	b.publish(manyRows...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	source := b.Source
	page := []byte("id,name\n1,Renamed\n")
	b.Source = announcing{source, []scraper.Arriving{&arrivedBody{bytes.NewReader(page), nil}}, &register.Failure{Class: register.ClassTooSlow, Err: errors.New("it took too long")}}
	b.expect(register.OutcomeFailed, register.Counts{})
	b.Source = source
	b.publish(laterRows...)
	b.expect(register.OutcomeChanged, laterHas)
}
