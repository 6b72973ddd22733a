package alerts

import (
	"context"
	"os"
	"os/exec"
)

// Play has promtool, which is at that path, play scripts. The error is that one failed, and says is why.
func Play(ctx context.Context, tool string, scripts ...string) (says string, err error) {
	out, err := exec.CommandContext(ctx, tool, append([]string{"test", "rules"}, scripts...)...).CombinedOutput()
	return string(out), err
}

// Save writes a script to a file, whole or not at all, with a comment on top.
func (s Script) Save(path, comment string) error {
	text, err := s.YAML(comment)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// RecordEnv names the variable that, set to 1, has tests keep what they scrape in testdata.
const RecordEnv = "ONETOKEN_RECORD_ALERTS"

// Records reports whether what is scraped is to be kept.
func Records() bool { return os.Getenv(RecordEnv) == "1" }
