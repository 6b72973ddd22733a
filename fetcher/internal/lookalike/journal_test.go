package lookalike_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

func TestJournalKeepsTheLatest(t *testing.T) {
	var j lookalike.Journal[int]
	assert.Empty(t, j.All())
	for n := range lookalike.MaxRecords + 1 {
		j.Add(n)
	}
	all := j.All()
	assert.Len(t, all, lookalike.MaxRecords/2+1)
	assert.Equal(t, lookalike.MaxRecords/2, all[0])
	assert.Equal(t, lookalike.MaxRecords, all[len(all)-1])
}
