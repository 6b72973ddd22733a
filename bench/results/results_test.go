package results

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSample(t *testing.T) {
	var s Sample
	assert.Zero(t, s.Median(), "nothing yet")
	for _, v := range []float64{5, 1, 4, 2, 3} {
		s.Add(v)
	}
	assert.Equal(t, []float64{1, 3, 5}, []float64{s.Min(), s.Median(), s.Max()})
	assert.Equal(t, Sample{5, 1, 4, 2, 3}, s, "in the order of the runs")
	assert.InDelta(t, 5, s.Quantile(0.9), 0)
}

func TestSampleRounds(t *testing.T) {
	var s Sample
	s.Add(0)
	s.Add(123456)
	s.AddTime(1234567*time.Nanosecond, time.Millisecond)
	assert.InDeltaSlice(t, []float64{0, 123500, 1.235}, []float64(s), 1e-12)
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	f := &File{Runs: 5, Week: &Week{Replicas: 3, Commands: map[string]float64{"GET": 1.5}}}
	require.NoError(t, f.Save(path))
	loaded, err := Load(path)
	require.NoError(t, err)
	assert.Equal(t, f, loaded)
	assert.Equal(t, []string{"Fresh", "WarmFill", "Herds", "Rotation", "FanOut", "Takeover", "Many", "Real", "Server", "PeerRotations", "Refreshers", "Idle", "Door", "Gateways"}, f.Missing())
}
