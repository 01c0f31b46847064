package register

// maxSuggested is the longest name, in bytes, for which a nearest one is looked up.
const maxSuggested = 64

// Nearest gives the known name that was probably meant by an unknown one, or ""
// if none is near enough.
func Nearest(unknown string, known []string) string {
	if len(unknown) > maxSuggested {
		return ""
	}
	best, bestDistance := "", max(2, len(unknown)/3+1)
	for _, name := range known {
		if d := editDistance(unknown, name); d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func editDistance(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
