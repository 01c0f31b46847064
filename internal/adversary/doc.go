// Package adversary is a register whose truth is known, published through a page
// that breaks. From a seed it makes a story: entries come, go, change, return and
// are re-keyed, while the page is cut, swapped, emptied, shuffled, replaced by an
// older one or by something else. It plays the story to a [World], the thing under
// test, and holds everything that was announced against the truth.
//
// It promises that equal seeds are equal stories, and that a story that fails is
// told as short as it still fails. It knows nothing of how regwatch decides: what
// it demands is what docs/trust.md promises. Accidents that no rule can tell from
// the truth are left out, each with its reason, where [accidents] are combined.
package adversary
