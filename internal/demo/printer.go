package demo

import (
	"fmt"
	"io"
	"time"
)

// printer is for logs and pipes: a line for each snapshot, and one for the kill.
type printer struct {
	out  io.Writer
	rate rateMeter
	told string // of the kill
}

func (p *printer) show(s snapshot) error {
	if story := s.killStory(); s.kills() > 0 && story != p.told {
		p.told = story
		_, _ = fmt.Fprintf(p.out, "      killed: %s\n", story)
	}
	_, err := fmt.Fprintf(p.out, "%4.0fs left %4.1fs  calls %d  minted %d  reads/s %-5d waited %d+%d  failed %d\n",
		s.elapsed.Seconds(), s.left().Seconds(), s.issuer.Calls, s.issuer.Rotations,
		p.rate.per(s), s.firstWaits, s.lateWaits, s.failed)
	return err
}

// rateMeter measures over the last second or so.
type rateMeter struct {
	since time.Duration
	gets  int64
	rate  int64
}

func (m *rateMeter) per(now snapshot) int64 {
	if took := now.elapsed - m.since; took >= 900*time.Millisecond { // ticks are not exact
		m.rate = int64(float64(now.gets-m.gets) / took.Seconds())
		m.since, m.gets = now.elapsed, now.gets
	}
	return m.rate
}
