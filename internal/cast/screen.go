package cast

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// screen is as much of a terminal as internal/terminal asks for: text in ASCII, colours, the cursor up, the rest of
// a line erased. Anything else is an error: a real terminal would show it in a way that screen does not know.
type screen struct {
	rows        [][]cell
	row, column int
	style       Style
	now         time.Duration // of the read in hand
	changed     time.Duration // the screen, last
}

type cell struct {
	char  byte
	style Style
}

// Style of characters: one at a time, as the demo has it.
type Style byte

// Styles, by their class in the picture. The zero Style is plain.
const (
	Bold   Style = 'b'
	Faint  Style = 'f'
	Red    Style = 'r'
	Green  Style = 'g'
	Yellow Style = 'y'
)

// sgr are the parameters of "\x1b[...m".
var sgr = map[string]Style{"": 0, "0": 0, "1": Bold, "2": Faint, "31": Red, "32": Green, "33": Yellow}

// write shows a program's output. It calls whole before the cursor goes up: then a frame is whole, and another begins.
func (s *screen) write(text string, whole func()) error {
	for text != "" {
		char := text[0]
		if char == '\x1b' {
			rest, err := s.escape(text, whole)
			if err != nil {
				return err
			}
			text = rest
			continue
		}
		text = text[1:]
		switch {
		case char == '\r':
			s.column = 0
		case char == '\n':
			s.row++
		case char >= ' ' && char <= '~':
			s.put(char)
		default:
			return fmt.Errorf("the character %q: pictures are in ASCII", char)
		}
	}
	return nil
}

// escape carries out a control sequence, and returns what follows it.
func (s *screen) escape(text string, whole func()) (rest string, err error) {
	end := strings.IndexFunc(text, isLetter)
	if !strings.HasPrefix(text, "\x1b[") || end < 0 {
		return "", fmt.Errorf("the escape %.8q", text)
	}
	parameter, rest := text[2:end], text[end+1:]
	switch text[end] {
	case 'A':
		lines, err := strconv.Atoi(parameter)
		if err != nil || lines > s.row {
			return "", fmt.Errorf("the cursor goes up by %q from line %d", parameter, s.row)
		}
		whole()
		s.row -= lines
		return rest, nil
	case 'K':
		if parameter == "" {
			s.erase()
			return rest, nil
		}
	case 'm':
		if style, ok := sgr[parameter]; ok {
			s.style = style
			return rest, nil
		}
	}
	return "", fmt.Errorf("the escape %q", text[:end+1])
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

func (s *screen) put(char byte) {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	row := s.rows[s.row]
	for len(row) <= s.column {
		row = append(row, cell{char: ' '})
	}
	row[s.column] = cell{char, s.style}
	s.rows[s.row] = row
	s.column++
	s.changed = s.now
}

// erase takes the line away from the cursor on.
func (s *screen) erase() {
	if s.row < len(s.rows) && s.column < len(s.rows[s.row]) {
		s.rows[s.row] = s.rows[s.row][:s.column]
		s.changed = s.now
	}
}

// Row is a line of a screen, without blanks at its end.
type Row []Span

// Span is text of one style.
type Span struct {
	Style Style
	Text  string
}

// String is the text alone.
func (r Row) String() string {
	var b strings.Builder
	for _, span := range r {
		b.WriteString(span.Text)
	}
	return b.String()
}

// frame is the present one, without empty rows at its end.
func (s *screen) frame() Frame {
	var rows []Row
	used := 0
	for i, cells := range s.rows {
		rows = append(rows, rowOf(cells))
		if len(rows[i]) > 0 {
			used = i + 1
		}
	}
	return Frame{s.changed, rows[:used]}
}

// rowOf leaves blanks, which have no colour, to the span before them.
func rowOf(cells []cell) (row Row) {
	for len(cells) > 0 && cells[len(cells)-1].char == ' ' {
		cells = cells[:len(cells)-1]
	}
	for _, c := range cells {
		last := len(row) - 1
		if last < 0 || (c.style != row[last].Style && c.char != ' ') {
			row = append(row, Span{Style: c.style})
			last++
		}
		row[last].Text += string(rune(c.char))
	}
	return row
}
