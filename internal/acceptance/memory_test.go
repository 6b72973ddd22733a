package acceptance_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// searchMemory returns which of the texts, of ASCII, are in the memory of a process: in what a core of it
// would have. Linux alone tells. The process should be waiting, as what it moves meanwhile may be missed.
func searchMemory(t *testing.T, pid int, texts []string) (found map[string]bool) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	require.NoError(t, err)
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	require.NoError(t, err)
	defer memory.Close()
	s := search{found: map[string]bool{}}
	for _, text := range texts {
		s.add(text)
	}
	for line := range strings.Lines(string(maps)) {
		if region, ok := readRegion(line); ok {
			s.region(io.NewSectionReader(memory, region.start, region.end-region.start))
		}
	}
	return s.found
}

type region struct{ start, end int64 }

// readRegion reads a line of /proc/PID/maps, and is not ok of what cannot be read, or is as in its file.
func readRegion(line string) (r region, ok bool) {
	var permissions, offset, device string
	var inode uint64
	if n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %d", &r.start, &r.end, &permissions, &offset, &device, &inode); n < 6 {
		return r, false // the kernel's, beyond an int64
	}
	asInFile := inode != 0 && permissions[1] != 'w'
	return r, permissions[0] == 'r' && !asInFile
}

// search is for the ends of texts: what is unique in a token stands there, and short ones are found faster.
type search struct {
	wanted []wanted
	found  map[string]bool
}

type wanted struct {
	text string
	form []byte // as it stands in memory
}

const enough = 24 // characters of a text

// add looks for a text in the two forms that JavaScript's strings have: a byte or two for a character.
func (s *search) add(text string) {
	end := text[max(0, len(text)-enough):]
	var wide []byte
	for _, unit := range utf16.Encode([]rune(end)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	s.wanted = append(s.wanted, wanted{text, []byte(end)}, wanted{text, wide})
}

// region reads on with what may be the begin of a text, and up to what the kernel does not let be read.
func (s *search) region(memory io.Reader) {
	const overlap = 2 * enough
	block, kept := make([]byte, overlap+1<<20), 0
	for {
		n, err := io.ReadFull(memory, block[kept:])
		s.block(block[:kept+n])
		if err != nil {
			return
		}
		kept = copy(block, block[len(block)-overlap:])
	}
}

func (s *search) block(block []byte) {
	for _, w := range s.wanted {
		if !s.found[w.text] && bytes.Contains(block, w.form) {
			s.found[w.text] = true
		}
	}
}

func TestSearchAcrossBlocks(t *testing.T) {
	const text = "some-token-that-is-longer-than-what-is-looked-for"
	for _, before := range []int{0, 1<<20 - 10, 1 << 20, 1<<20 + 2*enough - 1} {
		for _, form := range []string{text, strings.Join(strings.Split(text, ""), "\x00") + "\x00"} {
			s := search{found: map[string]bool{}}
			s.add(text)
			s.add("another")
			s.region(strings.NewReader(strings.Repeat("x", before) + form + "end"))
			assert.Equal(t, map[string]bool{text: true}, s.found, "%d", before)
		}
	}
}

func TestReadRegion(t *testing.T) {
	for _, c := range []struct {
		edge, line string
		ok         bool
	}{
		{"heap", "5581c0000000-5581c0021000 rw-p 00000000 00:00 0    [heap]\n", true},
		{"reserved", "7f0000000000-7f0000021000 ---p 00000000 00:00 0 \n", false},
		{"code", "7f0000000000-7f0000021000 r-xp 00000000 08:01 1234 /usr/bin/node\n", false},
		{"data of a program", "7f0000000000-7f0000021000 rw-p 00000000 08:01 1234 /usr/bin/node\n", true},
		{"made while it runs", "7f0000000000-7f0000021000 r-xp 00000000 00:00 0 \n", true},
		{"the kernel's", "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n", false},
	} {
		_, ok := readRegion(c.line)
		assert.Equal(t, c.ok, ok, c.edge)
	}
}
