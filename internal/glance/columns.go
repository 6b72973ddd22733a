package glance

// columns are the widths of a table's parts; 0: left out.
type columns struct{ gap, state, name, bar, left, next int }

// Widths of what does not change: the longest word, and the longest times that are usual.
const (
	stateWidth = len("No token yet")
	leftWidth  = len("23 h 59 min")
	nextWidth  = len("in 23 h 59 min")
	leastName  = len("CREDENTIAL")

	leastBar, mostBar = 10, 40

	// From so many columns on there is room for a bar, and for what comes next as well.
	widthForBar, widthForNext = 52, 72
)

// columnsOn a terminal: the figures come first, then the name, then the bar.
func columnsOn(width, longestName int) columns {
	c := columns{gap: 1, state: stateWidth, left: leftWidth}
	if width < widthForBar {
		c.name = max(leastName, width-c.state-c.left-2*c.gap)
		return c
	}
	c.gap, longestName = 2, max(longestName, leastName)
	rest := width - c.state - c.left - 3*c.gap
	if width >= widthForNext {
		c.next = nextWidth
		rest -= c.next + c.gap
	}
	c.name = min(longestName, max(leastName, rest*3/5))
	c.bar = min(mostBar, max(leastBar, rest-c.name))
	c.name = max(c.name, min(longestName, rest-c.bar))
	return c
}
