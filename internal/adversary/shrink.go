package adversary

import "slices"

// Shrink takes steps out of a story that fails, and then what happens in those
// that are left, as long as it goes on failing. Tries bounds how often it is
// played.
func Shrink(s Story, tries int, fails func(Story) bool) Story {
	try := func(shorter Story) bool {
		tries--
		if tries < 0 || !fails(shorter) {
			return false
		}
		s = shorter
		return true
	}
	for size := len(s.Steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(s.Steps); {
			shorter := s
			shorter.Steps = slices.Delete(slices.Clone(s.Steps), at, at+size)
			if !try(shorter) {
				at += size
			}
		}
	}
	for i := range s.Steps {
		for _, calm := range []func(*Step){func(c *Step) { c.Still = true }, func(c *Step) { c.Whole = true }} {
			calmer := s
			calmer.Steps = slices.Clone(s.Steps)
			calm(&calmer.Steps[i])
			try(calmer)
		}
	}
	return s
}
