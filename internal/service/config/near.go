package config

// longestNear bounds what a comparison costs: keys and names are shorter.
const longestNear = 64

// nearest of the options is what text may have been meant to be; "" if none is near.
func nearest(text string, options []string) string {
	if len(text) > longestNear {
		return ""
	}
	best, least := "", 1+len(text)/4
	for _, option := range options {
		if len(option)-len(text) > least || len(text)-len(option) > least || len(option) > longestNear {
			continue
		}
		if d := distance(text, option); d < least || d == least && best == "" {
			best, least = option, d
		}
	}
	return best
}

// distance is how many characters have to be put in, taken out, changed, or swapped with the next
// one, to make b of a.
func distance(a, b string) int {
	var before, last, row [longestNear + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			changed := last[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
