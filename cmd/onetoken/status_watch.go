package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/onetoken-go/onetoken/internal/glance"
	"github.com/onetoken-go/onetoken/internal/terminal"
)

// lookout is where the state of credentials is seen.
type lookout interface {
	// look once. The sighting has a board, and with asJSON the line as well.
	look(ctx context.Context, asJSON bool) (sighting, error)
	// blind is the board of a look that saw nothing, and why in one line.
	blind(err error) (glance.Board, string)
}

// sighting is what one look has seen.
type sighting struct {
	board glance.Board
	json  string // a line
}

// lookEvery is how often there is a look.
const lookEvery = time.Second

// watch shows until ctx ends. Every trouble may pass, but that of writing: the reader has gone.
func (a *app) watch(ctx context.Context, from lookout, asJSON bool) (err error) {
	w := &watcher{app: a, from: from, json: asJSON}
	if !asJSON {
		if w.screen, err = terminal.OpenFull(a.stdout, a.getenv("TERM")); err != nil {
			return err
		}
	}
	var changed <-chan os.Signal
	if w.screen != nil {
		defer func() {
			if closed := w.screen.Close(); err == nil {
				err = closed
			}
		}()
		changed = w.screen.Changed()
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				waiting = false
			case sig := <-changed:
				if err := w.settle(sig); err != nil {
					return err
				}
			}
		}
	}
}

// watcher shows one look after another.
type watcher struct {
	app    *app
	from   lookout
	json   bool
	screen *terminal.Full // nil: there is no terminal

	last glance.Board
	seen bool   // there is a last one
	news string // that were printed
	said string // why the last look saw nothing; "": it did
}

// look sees and shows. Its error is of writing, or that nobody would read: without news nothing is written that could fail.
func (w *watcher) look(ctx context.Context) error {
	if terminal.Gone(w.app.stdout) {
		return fmt.Errorf("standard output: %w", syscall.EPIPE)
	}
	now, err := w.from.look(ctx, w.json)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return w.blind(err)
	}
	w.last, w.seen, w.said = now.board, true, ""
	switch {
	case w.json:
		_, err := io.WriteString(w.app.stdout, now.json)
		return err
	case w.screen != nil:
		return w.paint()
	}
	return w.print()
}

// blind shows that nothing was seen, above what was seen last.
func (w *watcher) blind(err error) error {
	board, why := w.from.blind(err)
	if w.screen == nil {
		if why != w.said {
			say(w.app.stderr, why)
		}
		w.said, w.news = why, "" // and what is seen next is news
		return nil
	}
	if !w.seen {
		w.last = board
	} else {
		w.last.Stale = board.Stale + " (what follows was so at " + w.last.Now.UTC().Format(time.TimeOnly) + "Z)"
	}
	return w.paint()
}

func (w *watcher) paint() error {
	width, height := w.screen.Size()
	return w.screen.Paint(w.last.Lines(glance.Size{Width: width, Height: height}, w.app.coloured()))
}

// print prints a block if there is news in it.
func (w *watcher) print() error {
	if news := w.last.News(); news != w.news {
		w.news = news
		return w.app.printBoard(w.last, glance.Size{}, "\n")
	}
	return nil
}

// settle makes way for a person, and fits the picture anew.
func (w *watcher) settle(sig os.Signal) error {
	if err := w.screen.Settle(sig); err != nil {
		return err
	}
	return w.paint()
}

// printBoard prints lines, and what comes after them.
func (a *app) printBoard(b glance.Board, size glance.Size, after string) error {
	var text strings.Builder
	for _, line := range b.Lines(size, size.Width > 0 && a.coloured()) {
		text.WriteString(line + "\n")
	}
	_, err := io.WriteString(a.stdout, text.String()+after)
	return err
}

// coloured reports whether a terminal gets colours: see no-color.org.
func (a *app) coloured() bool { return a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" }
