package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// listeners looks at each address of the file: whether a service answers there, or could listen.
func (x *fileExam) listeners(ctx context.Context) {
	doors := []struct {
		name, path string
		config.Listener
	}{
		{config.DoorStatus, "/healthz", x.File.Status},
		{config.DoorTokens, "/v1/tokens/doctor", x.File.Tokens.Listener},
		{config.DoorGateway, "/open-apis/doctor", x.File.Gateway.Listener},
	}
	if x.File.Status.Listen == "" {
		x.chart.addOf(config.DoorStatus, skipped("listener", "the file has no status section, so that nobody sees how the service does"))
	}
	for _, d := range doors {
		if d.Listen == "" {
			continue
		}
		f, ok := inTime(ctx, func(ctx context.Context) finding { return listenerCheck(ctx, d.name, d.path, d.Listener) })
		if !ok {
			f = late(ctx, "listener")
		}
		x.chart.addOf(d.name+" "+d.Listen, f)
		x.certificate(d.name, d.Listener)
		x.authorities(d.name, d.Listener)
	}
	if path := x.File.Tokens.Socket; path != "" {
		x.chart.addOf(config.DoorTokens+" "+path, socketCheck(ctx, path, x.File.Tokens.SocketMode))
	}
}

// knockTime is what an address near by has to answer.
const knockTime = time.Second

func listenerCheck(ctx context.Context, door, path string, l config.Listener) finding {
	host, port, err := net.SplitHostPort(l.Listen)
	if err != nil {
		return finding{"listener", checkFail, "is no address", "write host:port"} // not after it was read
	}
	if strings.Trim(port, "0") == "" {
		return finding{Name: "listener", Status: checkOK, Found: "the system picks a free port at each start"}
	}
	at := net.JoinHostPort(callable(host), port)
	dialer := net.Dialer{Timeout: knockTime}
	conn, err := dialer.DialContext(ctx, "tcp", at)
	switch {
	case ctx.Err() != nil:
		return late(ctx, "listener")
	case err != nil:
		return vacant(ctx, l.Listen, err)
	}
	_ = conn.Close()
	return occupied(ctx, door, at, path, l, nil)
}

// callable is a host by which one that listens is called from here.
func callable(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && ip.IsUnspecified() && ip.Is4():
		return "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		return "::1"
	}
	return host
}

// vacant is an address at which nobody answers: it is tried, for a moment.
func vacant(ctx context.Context, address string, unanswered error) finding {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err == nil {
		_ = l.Close()
		return finding{Name: "listener", Status: checkOK, Found: "free: no service runs here"}
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return finding{"listener", checkFail, "this user may not listen there", "choose a port from 1024 on, or run the doctor as the service's user"}
	case listen.IsInUse(err):
		return unanswering(unanswered)
	}
	return finding{"listener", checkFail, "nothing can listen there: " + reason(err), "give an address of this host, or run the doctor where the service runs"}
}

// unanswering is of an address that somebody has, and does not answer at.
func unanswering(err error) finding {
	return finding{"listener", checkFail, "in use by something that does not answer: " + reason(err), "see what that is: ss -lp"}
}

// reason is the last of an error's parts, without the addresses before it.
func reason(err error) string {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

// occupied is an address at which somebody answers: the door, one hopes. A nil dial is the usual one.
func occupied(ctx context.Context, door, at, path string, l config.Listener, dial func(context.Context, string, string) (net.Conn, error)) finding {
	scheme, shown := "http", &tls.ConnectionState{}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: dial}
	if l.TLS != nil {
		scheme = "https"
		transport.TLSClientConfig = looking(shown)
	}
	bounded, cancel := context.WithTimeout(ctx, 3*knockTime)
	defer cancel()
	req, err := http.NewRequestWithContext(bounded, http.MethodGet, scheme+"://"+at+path, nil)
	if err != nil {
		return finding{"listener", checkFail, "is no address", "write host:port"}
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if cutShort(ctx, err) {
		return late(ctx, "listener")
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return unanswering(err)
	}
	if err != nil {
		return finding{"listener", checkFail, "something else listens there, which does not speak " + strings.ToUpper(scheme), "stop that, or choose another port"}
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if !speaksLike(door, res, body) {
		return finding{"listener", checkFail, fmt.Sprintf("something else listens there (HTTP %d)", res.StatusCode), "stop that, or choose another port"}
	}
	f := finding{Name: "listener", Status: checkOK, Found: "a service answers"}
	if l.TLS != nil && l.TLS.Certificate.Leaf != nil && (len(shown.PeerCertificates) == 0 || !bytes.Equal(shown.PeerCertificates[0].Raw, l.TLS.Certificate.Leaf.Raw)) {
		f = f.warn("it shows another certificate than that in the file", "see whether it has taken the file: its log, and /api/status")
	}
	return f
}

// looking takes any certificate, and notes it: nothing is believed that comes by this way, but who answers.
func looking(shown *tls.ConnectionState) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			*shown = s
			return nil
		},
	}
}

// speaksLike says whether an answer to somebody who shows nothing is that of a door.
func speaksLike(door string, res *http.Response, body []byte) bool {
	if door == config.DoorStatus {
		text := string(body)
		return strings.HasPrefix(text, "alive") || strings.HasPrefix(text, "stands still") || res.StatusCode == http.StatusForbidden && res.TLS != nil
	}
	var said struct {
		Error *string `json:"error"`
		Code  *int    `json:"code"`
		Msg   *string `json:"msg"`
	}
	if json.Unmarshal(body, &said) != nil {
		return false
	}
	if door == config.DoorGateway {
		return said.Code != nil && said.Msg != nil
	}
	return said.Error != nil
}

// socketCheck looks at a Unix socket as a service does when it starts.
func socketCheck(ctx context.Context, path string, mode fs.FileMode) finding {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return folderCheck(path)
	case err != nil:
		return finding{"listener", checkFail, reason(err), "run the doctor as the service's user"}
	case info.Mode().Type() != fs.ModeSocket:
		return finding{"listener", checkFail, "there is something else of that name", "move it away, or choose another path"}
	}
	dead, err := listen.IsDead(ctx, path)
	switch {
	case ctx.Err() != nil:
		return late(ctx, "listener")
	case dead:
		return finding{Name: "listener", Status: checkOK, Found: "left behind by a service that is gone; the next one takes its place"}
	case errors.Is(err, fs.ErrPermission):
		return finding{"listener", checkWarn, "this user may not connect there", "run the doctor as the service's user"}
	case !errors.Is(err, listen.ErrInUse):
		return finding{"listener", checkFail, "nobody can tell whether somebody listens there: " + reason(err), "remove it if nobody does, or choose another path"}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: knockTime}).DialContext(ctx, "unix", path)
	}
	f := occupied(ctx, config.DoorTokens, "localhost", "/v1/tokens/doctor", config.Listener{}, dial)
	if now := info.Mode().Perm(); f.Status == checkOK && mode != 0 && now != mode {
		f = f.warn(fmt.Sprintf("its mode is %04o, and %04o in the file", now, mode), "start the service again")
	}
	return f
}

// folderCheck is of a socket that a service will make.
func folderCheck(path string) finding {
	folder := path[:max(1, strings.LastIndexByte(path, os.PathSeparator))]
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() {
		return finding{"listener", checkFail, "there is no folder " + folder, "make it, writable for the service's user alone"}
	}
	return finding{Name: "listener", Status: checkOK, Found: "free: no service runs here"}
}
