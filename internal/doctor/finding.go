package doctor

import "strings"

// Status of a check.
const (
	checkOK      = "ok"
	checkWarn    = "warn"
	checkFail    = "fail"
	checkSkipped = "skipped"
)

// finding is what a check came to.
type finding struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Found  string `json:"found"`
	Advice string `json:"advice"`
}

// entry is a finding in the chart.
type entry struct {
	finding
	Subject string `json:"subject,omitempty"` // which of several it is about; "": there is one
}

// name is for a person.
func (e entry) name() string {
	if e.Subject == "" {
		return e.Name
	}
	return e.Name + " " + e.Subject
}

// warn adds something that could be better, to what is no worse.
func (f finding) warn(found, todo string) finding {
	if f.Status == checkOK {
		f.Status = checkWarn
	}
	f.Found = strings.TrimPrefix(f.Found+"; "+found, "; ")
	f.Advice = strings.TrimPrefix(f.Advice+"; "+todo, "; ")
	return f
}

// failed says whether what depends on it can be spared.
func (f finding) failed() bool { return f.Status == checkFail || f.Status == checkSkipped }

func skipped(name, why string) finding {
	return finding{Name: name, Status: checkSkipped, Found: why}
}
