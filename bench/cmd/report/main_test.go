package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/report"
	"github.com/onetoken-go/onetoken/bench/results"
)

// Results of too few runs are taken if that is meant, and their page says so.
func TestTrial(t *testing.T) {
	f, err := results.Load("../../results/latest.json")
	require.NoError(t, err)
	f.Runs = report.Enough - 1
	ours := slices.IndexFunc(f.Fresh, func(f results.Fresh) bool { return f.Name == peers.Onetoken })
	f.Fresh[ours].Allocations = 1 // a figure that is missed
	file, docs := filepath.Join(t.TempDir(), "trial.json"), t.TempDir()
	require.NoError(t, f.Save(file))

	var said bytes.Buffer
	require.ErrorContains(t, run([]string{file, docs}, &said), "a trial")
	assert.NoFileExists(t, filepath.Join(docs, "performance.md"))

	require.NoError(t, run([]string{"-trial", file, docs}, &said))
	page, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "**A trial, of too few runs (4)")
	assert.Contains(t, said.String(), "missed: Fresh Get: allocations: at most 0, found 1")
}

func TestUsage(t *testing.T) {
	require.ErrorContains(t, run(nil, os.Stderr), "usage")
}
