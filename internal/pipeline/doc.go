// Package pipeline carries one register through one run: due → fetch → gate 1
// → diff → gate 2 → commit. run.go tells it from top to bottom.
//
// It promises that every run is recorded with its outcome, that nothing but a
// Commit changes what is believed, and that a run which ended early, or whose
// commit was refused because the head had moved, can be repeated without harm.
// It decides nothing itself: scraper says what a page holds and whether it is
// whole, differ says what differs and what of it may be believed, the store
// makes it last. It does not schedule, publish or notify.
package pipeline
