//go:build race

package pipeline_test

// underRace: the race detector keeps shadows of all memory and is several times
// slower, so that limits of memory say nothing and limits of time are wider.
const underRace = true
