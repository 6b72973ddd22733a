package alerts

import (
	"bytes"
	"os"

	"go.yaml.in/yaml/v3"
)

// File is a file of rules. Fields that Prometheus does not know are an error of [Read].
type File struct {
	Groups []Group `yaml:"groups"`
}

// Group of rules, which Prometheus evaluates together.
type Group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []Rule `yaml:"rules"`
}

// Rule is an alert: while its expression has values, each of them is one.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"` // "": it fires at once
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Severities: an alert wakes a person, or is looked at by day.
const (
	Critical = "critical"
	Warning  = "warning"
)

// Read reads a file of rules. What yaml.v3 complains of may quote the file, which holds no secret.
func Read(path string) (File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	var f File
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return f, d.Decode(&f)
}

// Rules are those of all groups, in their order.
func (f File) Rules() (all []Rule) {
	for _, g := range f.Groups {
		all = append(all, g.Rules...)
	}
	return all
}
