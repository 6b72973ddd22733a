package deploycheck_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The dashboard has no field that Grafana's own types do not know, in panels and queries too, and lacks none that they want.
// What words a field may have they do not check. internal/monitoring looks at what it asks for.
func TestTheDashboardByGrafanasTypes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "grafana", "dashboard.json"))
	require.NoError(t, err)
	require.NoError(t, readAsGrafana(string(raw)))

	for _, f := range []struct{ before, after, complaint string }{
		{`"lineWidth": 1,`, `"linewidth": 1,`, "unexpected field 'linewidth'"},
		{`"colorMode": "background",`, ``, "colorMode: required field is missing"},
		{`"legendFormat":`, `"legend":`, "unexpected field 'legend'"},
		{`"includeAll": true,`, `"includeAll": "true",`, "includeAll"},
		{`"gridPos": {`, `"gridpos": {`, "unexpected field 'gridpos'"},
		{`"mode": "thresholds"`, `"mode": 1`, "mode"},
	} {
		spoilt := strings.ReplaceAll(string(raw), f.before, f.after)
		require.NotEqual(t, string(raw), spoilt, f.before)
		assert.ErrorContains(t, readAsGrafana(spoilt), f.complaint, "%s -> %s", f.before, f.after)
	}
}

func readAsGrafana(text string) error {
	plugins.RegisterDefaultPlugins()
	var d dashboard.Dashboard //nolint:staticcheck // the classic model, which older Grafanas read too
	err := d.UnmarshalJSONStrict([]byte(text))
	if none, ok := errors.AsType[cog.BuildErrors](err); ok && len(none) == 0 { // what it returns of a good one
		err = nil
	}
	return errors.Join(err, d.Validate())
}
