package service

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestUsesAreWrittenDownOnce(t *testing.T) {
	var log bytes.Buffer
	u, at := newUses(slog.New(slog.NewTextHandler(&log, nil))), time.Unix(1_800_000_000, 0)
	of := use{"billing", "tokens", "crm"}
	for range 100 {
		at = at.Add(time.Second)
		u.granted(of, at)
	}
	u.granted(use{"audit", "tokens", "crm"}, at)
	assert.Equal(t, 2, strings.Count(log.String(), "first use of a credential"))
	assert.Contains(t, log.String(), "credential=crm client=billing door=tokens")
	assert.Equal(t, []ClientReport{{"audit", "tokens", at.UTC()}, {"billing", "tokens", at.UTC()}}, u.of("crm"))
	assert.Equal(t, []ClientReport{}, u.of("m2m"), "and not null in JSON")

	u.keep(map[string]bool{"billing": true}, map[string]bool{"crm": true})
	assert.Equal(t, []ClientReport{{"billing", "tokens", at.UTC()}}, u.of("crm"), "whoever is no client any more is forgotten")
	u.granted(use{"audit", "tokens", "crm"}, at)
	assert.Equal(t, []ClientReport{{"billing", "tokens", at.UTC()}}, u.of("crm"), "also if its request ends after the reload")
	assert.Equal(t, 3, strings.Count(log.String(), "first use of a credential"), "which is written down")
	u.keep(map[string]bool{"billing": true}, nil)
	assert.Empty(t, u.of("crm"))
}

// Whoever asks in vain, asks often: each kind is written down at once, and then once a minute.
func TestRefusedUsesAreWrittenDownOnceAMinute(t *testing.T) {
	var log bytes.Buffer
	u, at := newUses(slog.New(slog.NewTextHandler(&log, nil))), time.Unix(1_800_000_000, 0)
	for range 121 {
		u.denied(use{"billing", "tokens", "crm"}, "access_denied", at)
		u.denied(use{"", "tokens", ""}, "invalid_client", at)
		at = at.Add(time.Second)
	}
	assert.Equal(t, 6, strings.Count(log.String(), "refused use of a credential"))
	assert.Equal(t, 4, strings.Count(log.String(), "more_since_the_last=59"))
	assert.Empty(t, u.of("crm"), "a refused use is none")
	assert.Equal(t, 6, strings.Count(log.String(), "level=WARN"), "also by default")
}

// A client that is refused ever new credentials, and clients without end, cost bounded memory and bounded lines.
func TestRefusedUsesOfManyKinds(t *testing.T) {
	var log bytes.Buffer
	u, at := newUses(slog.New(slog.NewTextHandler(&log, nil))), time.Unix(1_800_000_000, 0)
	const minutes, kinds = 5, 4 * mostRefusals
	for range minutes {
		for i := range kinds {
			u.denied(use{"billing", "tokens", fmt.Sprint(i)}, "access_denied", at)
			at = at.Add(time.Minute / kinds)
		}
		assert.LessOrEqual(t, len(u.refused), mostRefusals)
	}
	told := strings.Count(log.String(), "refused use of a credential")
	assert.Greater(t, told, mostRefusals)
	assert.LessOrEqual(t, told, minutes*2*(mostRefusals+1), "once a minute, and anew once a minute")
	assert.Greater(t, strings.Count(log.String(), "more_since_the_last="), strings.Count(log.String(), "more_since_the_last=0"), "those without room are counted")
}
