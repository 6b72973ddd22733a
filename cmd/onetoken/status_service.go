package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/glance"
	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/internal/smallfile"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/internal/terminal"
)

// serviceFiles are what is needed to speak TLS with a service. The zero one trusts the system's authorities, and
// shows no certificate.
type serviceFiles struct{ ca, cert, key string }

func (f *serviceFiles) flags(cmd *cobra.Command) {
	givenVar(cmd.Flags(), &f.ca, "ca-file", "authorities to trust for --service, in PEM")
	givenVar(cmd.Flags(), &f.cert, "cert-file", "certificate to show to --service, in PEM")
	givenVar(cmd.Flags(), &f.key, "key-file", "its private key")
}

// service at a URL. Its error is of usage.
func (f serviceFiles) service(url string) (*remote.Service, error) {
	files, err := f.tls()
	if err != nil {
		return nil, usage(err)
	}
	service, err := remote.New(url, files)
	if err != nil {
		return nil, usage(errors.New("--service " + err.Error()))
	}
	return service, nil
}

// tls is nil where nothing is given. Its error names the flag.
func (f serviceFiles) tls() (*tls.Config, error) {
	if f == (serviceFiles{}) {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		raw, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, errors.New("--ca-file: " + smallfile.WithoutPath(err).Error())
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool() // those of the file are all
		}
		if !c.RootCAs.AppendCertsFromPEM(raw) {
			return nil, errors.New("--ca-file has no certificate in PEM")
		}
	}
	if f.cert == "" && f.key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil { // which may quote the files
		return nil, errors.New("--cert-file and --key-file cannot be read: both have to be whole, in PEM, and belong together")
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// statusOfService asks a service that runs.
func (a *app) statusOfService(ctx context.Context, f statusFlags) error {
	service, err := f.files.service(f.service)
	if err != nil {
		return err
	}
	return a.showNamed(ctx, watched{service}, f)
}

// watched is a service as a lookout.
type watched struct{ *remote.Service }

func (w watched) look(ctx context.Context, _ bool) (sighting, error) {
	r, err := w.Report(ctx)
	if err != nil {
		return sighting{}, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, r.Raw); err != nil {
		return sighting{}, err
	}
	return sighting{board: glance.OfReport(w.URL(), r), json: statusjson.Printable(line.String()) + "\n"}, nil
}

func (w watched) blind(err error) (glance.Board, string) {
	return glance.Board{Where: "service " + w.URL(), Now: time.Now(), Stale: err.Error()}, err.Error()
}

// showNamed shows credentials that have names, once or again and again: each that is not disabled has to have a token.
func (a *app) showNamed(ctx context.Context, from lookout, f statusFlags) error {
	if f.watch {
		return a.watch(ctx, from, f.json)
	}
	seen, err := from.look(ctx, f.json)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted before there was an answer")
		}
		_, why := from.blind(err)
		return errors.New(why)
	}
	if f.json {
		_, err = a.stdout.Write([]byte(seen.json))
	} else {
		var size glance.Size // for a pipe
		if terminal.Is(a.stdout) {
			size.Width = terminal.WidthOf(a.stdout)
		}
		err = a.printBoard(seen.board, size, "")
	}
	if err != nil {
		return err
	}
	if seen.board.StandsStill {
		return errors.New("the service stands still: restart it")
	}
	if without := seen.board.WithoutToken(); len(without) > 0 {
		return errors.New("no usable token of " + standing.Some(without))
	}
	return nil
}
