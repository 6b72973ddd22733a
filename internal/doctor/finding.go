package doctor

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

// failed says whether what depends on it can be spared.
func (f finding) failed() bool { return f.Status == checkFail || f.Status == checkSkipped }

func skipped(name, why string) finding {
	return finding{Name: name, Status: checkSkipped, Found: why}
}
