package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

type composed struct {
	Image       string
	Profiles    []string
	Ports       []string
	Volumes     []string
	Environment map[string]string
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(raw, into), path)
}

// readProfile is the services of docker-compose.yml's profile monitoring.
func readProfile(t *testing.T) map[string]composed {
	t.Helper()
	var file struct{ Services map[string]composed }
	readYAML(t, "docker-compose.yml", &file)
	of := map[string]composed{}
	for name, s := range file.Services {
		if slices.Contains(s.Profiles, "monitoring") {
			of[name] = s
		}
	}
	require.Len(t, of, 4)
	return of
}

// Others on the network see nothing of it, it changes no file, and which images it is of stands fast.
func TestProfileIsOfThisHost(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`^[a-z]+/[a-z]+:v?[0-9]+\.[0-9]+\.[0-9]+$`)
	for name, s := range readProfile(t) {
		assert.NotEmpty(t, s.Ports, name)
		for _, port := range s.Ports {
			assert.Regexp(t, `^127\.0\.0\.1:[0-9]+:[0-9]+$`, port, name)
		}
		assert.NotEmpty(t, s.Volumes, name)
		for _, v := range s.Volumes {
			assert.Regexp(t, `^\./[^:]+:/[^:]+:ro$`, v, name)
			from, _, _ := strings.Cut(v, ":")
			_, err := os.Stat(filepath.Join(root, from))
			assert.NoError(t, err, name)
		}
		if s.Image != "" {
			assert.Regexp(t, version, s.Image, name)
		}
	}
}

// Whoever comes to Grafana may look, and nobody more: there is no admin, and no way to log in.
func TestGrafanaTakesEverybodyForAViewer(t *testing.T) {
	t.Parallel()
	env := readProfile(t)["grafana"].Environment
	assert.Equal(t, "true", env["GF_AUTH_ANONYMOUS_ENABLED"])
	assert.Equal(t, "Viewer", env["GF_AUTH_ANONYMOUS_ORG_ROLE"])
	assert.Equal(t, "false", env["GF_AUTH_BASIC_ENABLED"])
	assert.Equal(t, "true", env["GF_AUTH_DISABLE_LOGIN_FORM"])
	assert.Equal(t, "true", env["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"])
}

// Grafana finds the dashboard where its provisioning looks for it, and the data source where Prometheus is.
func TestGrafanaFindsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	var dashboards struct {
		Providers []struct{ Options struct{ Path string } }
	}
	readYAML(t, "deploy/grafana/provisioning/dashboards/onetoken.yml", &dashboards)
	require.Len(t, dashboards.Providers, 1)
	home := dashboards.Providers[0].Options.Path + "/onetoken.json"
	services := readProfile(t)
	grafana := services["grafana"]
	assert.Contains(t, grafana.Volumes, "./deploy/grafana/dashboard.json:"+home+":ro")
	assert.Equal(t, home, grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
	for _, folder := range []string{"datasources", "dashboards"} {
		assert.Contains(t, grafana.Volumes, "./deploy/grafana/provisioning/"+folder+":/etc/grafana/provisioning/"+folder+":ro")
	}

	var sources struct {
		Datasources []struct {
			Type, URL string
			JSONData  struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	readYAML(t, "deploy/grafana/provisioning/datasources/prometheus.yml", &sources)
	require.Len(t, sources.Datasources, 1)
	source := sources.Datasources[0]
	assert.Equal(t, "prometheus", source.Type)
	assert.Equal(t, "http://prometheus:9090", source.URL)
	require.NotEmpty(t, services["prometheus"].Ports)
	assert.True(t, strings.HasSuffix(services["prometheus"].Ports[0], ":9090"))
	assert.Equal(t, readPrometheus(t, "deploy/prometheus/prometheus.yml").Global["scrape_interval"], source.JSONData.TimeInterval)
}

type prometheusFile struct {
	Global  map[string]string
	Rules   []string `yaml:"rule_files"`
	Scrapes []struct {
		Job     string `yaml:"job_name"`
		Statics []struct {
			Targets []string
		} `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func readPrometheus(t *testing.T, path string) (f prometheusFile) {
	t.Helper()
	readYAML(t, path, &f)
	require.Len(t, f.Scrapes, 1, path)
	require.Len(t, f.Scrapes[0].Statics, 1, path)
	return f
}

// The profile's Prometheus does what the other file says, at the services of the profile.
func TestPrometheusOfTheProfile(t *testing.T) {
	t.Parallel()
	ours, profile := readPrometheus(t, "deploy/prometheus/prometheus.yml"), readPrometheus(t, "deploy/prometheus/compose/prometheus.yml")
	assert.Equal(t, []string{"service-1:8080", "service-2:8080"}, profile.Scrapes[0].Statics[0].Targets)
	profile.Scrapes[0].Statics[0].Targets = ours.Scrapes[0].Statics[0].Targets
	assert.Equal(t, ours, profile)
	services := readProfile(t)
	assert.Contains(t, services, "service-1")
	assert.Contains(t, services, "service-2")
	assert.Contains(t, services["prometheus"].Volumes, "./deploy/prometheus/rules.yml:/etc/prometheus/rules.yml:ro")
}
