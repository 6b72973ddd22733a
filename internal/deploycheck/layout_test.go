package deploycheck_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/onetoken-go/onetoken/internal/deploycheck"
)

// layout is a pod's file system below a folder, as far as it is mounted.
type layout struct {
	t   *testing.T
	dir string
	pod *deploycheck.Pod
}

// layOut has every file that the configuration names, with a secret in it, and the socket's folder.
func layOut(t *testing.T, p *deploycheck.Pod) *layout {
	t.Helper()
	dir, err := os.MkdirTemp("", "pod") // t.TempDir is of its user alone, and another one runs here
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // see above
	l := &layout{t: t, dir: dir, pod: p}
	cert, key := certificate(t)
	for _, file := range p.Config.Files() {
		switch path.Base(file) {
		case "tls.crt", "ca.crt":
			l.write(file, cert)
		case "tls.key":
			l.write(file, key)
		default:
			l.write(file, secretIn(file))
		}
	}
	if socket := p.Config.Socket(); socket != "" {
		l.emptyDir(path.Dir(socket))
	}
	return l
}

// emptyDir does as the kubelet with an fsGroup: what is made in the folder is of that group. Only root can.
func (l *layout) emptyDir(folder string) {
	l.t.Helper()
	require.NoError(l.t, os.MkdirAll(l.at(folder), 0o755)) //nolint:gosec // see layOut
	if os.Getuid() == 0 {
		require.NoError(l.t, os.Chown(l.at(folder), 0, int(*l.pod.Spec.SecurityContext.FSGroup)))
	}
	require.NoError(l.t, os.Chmod(l.at(folder), os.ModeSetgid|0o777)) //nolint:gosec // so does the kubelet
}

// secretIn a file is none of anybody's.
func secretIn(file string) string { return "not-a-secret-of-" + path.Base(file) }

func (l *layout) at(file string) string { return filepath.Join(l.dir, file) }

// write does as the kubelet: the file is a link into a folder, to which ..data is another link, so that all
// of a volume change at once.
func (l *layout) write(file, content string) {
	l.t.Helper()
	volume, name := l.at(path.Dir(file)), path.Base(file)
	version := filepath.Join(volume, "..2026_01_01_00_00_00.1")
	require.NoError(l.t, os.MkdirAll(version, 0o755))                                             //nolint:gosec // see above
	require.NoError(l.t, os.WriteFile(filepath.Join(version, name), []byte(content+"\n"), 0o644)) //nolint:gosec // see above
	if _, err := os.Lstat(filepath.Join(volume, "..data")); err != nil {
		require.NoError(l.t, os.Symlink(filepath.Base(version), filepath.Join(volume, "..data")))
	}
	_ = os.Remove(filepath.Join(volume, name))
	require.NoError(l.t, os.Symlink(filepath.Join("..data", name), filepath.Join(volume, name)))
}

// configure writes a configuration to where the container has it, with paths that are below the folder.
func (l *layout) configure(c deploycheck.Configuration) {
	l.t.Helper()
	text, err := yaml.Marshal(c)
	require.NoError(l.t, err)
	for _, mount := range l.pod.Container.VolumeMounts {
		text = bytes.ReplaceAll(text, []byte(mount.MountPath+"/"), []byte(l.at(mount.MountPath)+"/"))
	}
	l.write(l.pod.ConfigPath(), string(text))
}

// arguments of the container, with the folder's own path.
func (l *layout) arguments() (args []string) {
	for _, arg := range l.pod.Container.Args {
		if arg == l.pod.ConfigPath() {
			arg = l.at(arg)
		}
		args = append(args, arg)
	}
	return args
}

// check is what onetoken says of the configuration.
func (l *layout) check() (says string, err error) {
	l.t.Helper()
	out, err := exec.CommandContext(l.t.Context(), binary, append(l.arguments(), "--check")...).CombinedOutput()
	return string(out), err
}

// certificate is one of 127.0.0.1, and its own authority.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "onetoken"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// onlyPod of a folder.
func onlyPod(t *testing.T, folder string) *deploycheck.Pod {
	t.Helper()
	pods, err := set(t, build(t, folder, nil)).Pods()
	require.NoError(t, err)
	require.Len(t, pods, 1)
	return pods[0]
}

// The binary takes the configuration as it stands there, with files as the mounts have them.
func TestTheConfigurationIsGood(t *testing.T) {
	for _, folder := range []string{services, sidecar} {
		t.Run(folder, func(t *testing.T) {
			l := layOut(t, onlyPod(t, folder))
			l.configure(l.pod.Config)
			says, err := l.check()
			require.NoError(t, err, says)
			assert.Contains(t, says, "the configuration is good")
			assert.NotContains(t, says, "warning")

			missing := l.at(l.pod.Config.Files()[0])
			require.NoError(t, os.Remove(missing))
			says, err = l.check()
			require.Error(t, err, "without %s", missing)
			assert.Contains(t, says, "_file: ")
		})
	}
}

// The section of the gateway is good with the rest.
func TestTheGatewaysSectionIsGood(t *testing.T) {
	section, err := os.ReadFile(filepath.Join(kubernetes, "gateway", "section.yaml"))
	require.NoError(t, err)
	more, err := deploycheck.ReadConfiguration(string(section))
	require.NoError(t, err)
	p := onlyPod(t, services)
	l := layOut(t, p)
	p.Config["gateway"] = more["gateway"]
	l.configure(p.Config)
	says, err := l.check()
	require.NoError(t, err, says)
}
