package terminal

import (
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Bar is filled from the left, and width columns wide between its brackets.
func Bar(filled, width int, colour text.Color) string {
	return "[" + colour.Sprint(strings.Repeat("#", filled)) + strings.Repeat(" ", width-filled) + "]"
}

// Share is how much of a width a part of the whole takes.
func Share(part, whole time.Duration, width int) int {
	return min(width, int(float64(width)*float64(part)/float64(whole)))
}
