package glance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/glance"
	"github.com/onetoken-go/onetoken/internal/service/remote"
)

func reported(t *testing.T, credential string) string {
	t.Helper()
	var r remote.Report
	require.NoError(t, json.Unmarshal([]byte("["+credential+"]"), &r.Credentials))
	return strings.Join(glance.OfReport("here", r).Lines(glance.Size{}, false), "\n")
}

// Life is that of a token that is handed out: of another one nobody has any use.
func TestOfReportTellsNoLifeOfATokenThatIsNotHandedOut(t *testing.T) {
	t.Parallel()
	const of = `{"name": "crm", "state": "fresh", "remaining_seconds": 3600, "life_seconds": 7200, "next_refresh_seconds": 1800, "usable": `
	assert.Contains(t, reported(t, of+"true}"), "60 min of 2 h left, refreshes in 30 min")
	assert.NotContains(t, reported(t, of+"false}"), "left")
}

// One that had a token is not waiting for its first.
func TestOfReportWithoutATokenAnyMore(t *testing.T) {
	t.Parallel()
	const of = `{"name": "crm", "state": "absent", "answered": `
	assert.Contains(t, reported(t, of+"false}"), "The one credential waits for a token.")
	assert.Contains(t, reported(t, of+"true}"), "The one credential has no token: crm.")
	assert.Contains(t, reported(t, of+"true}"), "\n  > see that the issuer can be reached, and answers")
}
