package standing

import (
	"fmt"
	"strings"
	"time"
)

// Span is a duration for people, never more than there is. The page's script has the same rules, and goes on by them.
func Span(d time.Duration) string {
	seconds := int64(d / time.Second)
	switch {
	case seconds < 0:
		return "0 s"
	case seconds < 120:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%d min", seconds/60)
	case seconds < 48*3600:
		if minutes := seconds / 60 % 60; minutes > 0 {
			return fmt.Sprintf("%d h %d min", seconds/3600, minutes)
		}
		return fmt.Sprintf("%d h", seconds/3600)
	}
	return fmt.Sprintf("%d days", seconds/86400)
}

// Some are at most three names, and how many more there are.
func Some(names []string) string {
	const most = 3
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) <= most:
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
