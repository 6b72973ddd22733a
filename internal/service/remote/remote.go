// Package remote asks a running service for its status, as a person does who looks at /api/status: for
// `onetoken status --service` and for the doctor. It knows the fields by name, and takes an older service's
// report, which has fewer.
package remote

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/statusjson"
)

const (
	// Timeout of one look.
	Timeout = 3 * time.Second
	// longest is room for tens of thousands of credentials.
	longest = 64 << 20
)

// Report is what a service tells at /api/status, as far as it is needed here. Fields that a service does not tell
// are zero, or nil.
type Report struct {
	Version     string          `json:"version"`
	Now         time.Time       `json:"now"`
	Started     time.Time       `json:"started"`
	StandsStill string          `json:"stands_still"` // in what way the process does; "": it works
	Replica     string          `json:"replica"`      // by which FetchedBy names it
	Config      Config          `json:"config"`
	Redis       Redis           `json:"redis"`
	Doors       []Door          `json:"doors"`
	Credentials []Credential    `json:"-"`
	Raw         json.RawMessage `json:"credentials"` // the same, with every field
	Events      []Event         `json:"events"`
}

// Config is how the last reading of the configuration went.
type Config struct {
	OK       bool      `json:"ok"`
	Error    string    `json:"error"`
	LoadedAt time.Time `json:"loaded_at"`
}

// Redis is "up" or "degraded".
type Redis struct {
	State   string    `json:"state"`
	Since   time.Time `json:"since"`
	Trouble string    `json:"trouble"`
	Advice  string    `json:"advice"`
}

// Degraded reports whether Redis takes no part.
func (r Redis) Degraded() bool { return statusjson.IsDegraded(r.State) }

// Door is where tokens are handed out.
type Door struct {
	Name     string `json:"name"`
	Requests uint64 `json:"requests"`
	Refused  uint64 `json:"refused"`
}

// Credential is one of the service's.
type Credential struct {
	statusjson.Object
	Name        string             `json:"name"`
	Disabled    bool               `json:"disabled"`
	Answered    bool               `json:"answered"`
	NextRefresh statusjson.Seconds `json:"next_refresh_seconds"`
	Window      statusjson.Seconds `json:"window_seconds"`
	Failing     string             `json:"failing"`
	Trouble     *Trouble           `json:"trouble"`
	Newer       *Newer             `json:"newer"`
	Usable      *bool              `json:"usable"`
	Clients     []Client           `json:"clients"`
}

// Trouble keeps a credential from a newer token.
type Trouble struct {
	Text        string             `json:"text"`
	Advice      string             `json:"advice"`
	NeedsPerson bool               `json:"needs_person"`
	Redis       bool               `json:"redis"`
	RetryIn     statusjson.Seconds `json:"retry_in_seconds"`
}

// Newer is of a changed credential that is not in use yet.
type Newer struct {
	Error   string   `json:"error"`
	Trouble *Trouble `json:"trouble"`
}

// Client has used a credential.
type Client struct {
	Name     string    `json:"name"`
	Door     string    `json:"door"`
	LastSeen time.Time `json:"last_seen"`
}

// Event is something that happened.
type Event struct {
	At         time.Time `json:"at"`
	Type       string    `json:"type"`
	Credential string    `json:"credential"`
	Text       string    `json:"text"`
}

// Service is one that runs. It may be used by any number of goroutines at once.
type Service struct {
	at     *url.URL
	client *http.Client
}

// errNoURL says what an address has to be.
var errNoURL = errors.New("has to be where the status of a service is, such as http://127.0.0.1:8080")

// New is the service whose status.listen is at a URL, of which http:// may be left out. tls may be nil. Its error is
// a predicate, and quotes nothing.
func New(raw string, tls *tls.Config) (*Service, error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.RawQuery != "" || u.Fragment != "":
		return nil, errNoURL
	case u.User != nil:
		return nil, errors.New("has a user or password in it, which no service asks for: leave it out")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	// No proxy stands between an operator and a service; and who answers for it elsewhere is another.
	return &Service{at: u, client: &http.Client{
		Timeout:       Timeout,
		Transport:     &http.Transport{TLSClientConfig: tls, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// URL is without user and password.
func (s *Service) URL() string { return s.at.String() }

// Report asks once, for [Timeout] at most. Its error says what to do.
func (s *Service) Report(ctx context.Context) (Report, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at.JoinPath("api", "status").String(), nil)
	if err != nil {
		return Report{}, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return Report{}, s.unreached(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if err := s.refused(res); err != nil {
		return Report{}, err
	}
	return s.read(io.LimitReader(res.Body, longest))
}

// unreached is without the URL, which the caller's words have.
func (s *Service) unreached(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if isLate(err) {
		return s.late()
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate of %s is not trusted: %w: name its authority by --ca-file, or call it by a name that the certificate has", s.URL(), err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("what answers at %s speaks no TLS: begin the address with http://", s.URL())
	}
	return fmt.Errorf("no service answers at %s: %w: start it, or give the address of its status.listen", s.URL(), err)
}

func isLate(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && e.Timeout()
}

func (s *Service) late() error {
	return fmt.Errorf("no answer from %s within %v: it stands still, or is far away", s.URL(), Timeout)
}

// wantsTLS is how net/http answers a request without TLS where it speaks that.
const wantsTLS = "Client sent an HTTP request to an HTTPS server."

func (s *Service) refused(res *http.Response) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden:
		return fmt.Errorf("the service at %s shows its status to those alone who have a certificate that it knows (status.tls.client_ca_file): give one by --cert-file and --key-file", s.URL())
	case http.StatusMisdirectedRequest:
		return fmt.Errorf("the service at %s goes by another name: without TLS that is localhost or an address", s.URL())
	case http.StatusBadRequest:
		if said, _ := io.ReadAll(io.LimitReader(res.Body, int64(len(wantsTLS)))); string(said) == wantsTLS {
			return fmt.Errorf("what answers at %s speaks TLS: begin the address with https://", s.URL())
		}
	}
	return fmt.Errorf("what answers at %s shows no status of a service (HTTP %d): give the address of its status.listen; a refresher without --config has none", s.URL(), res.StatusCode)
}

// read takes what every version of a service tells: a list of credentials, and the time. Other JSON may have the one, hardly both.
func (s *Service) read(body io.Reader) (r Report, err error) {
	if err = json.NewDecoder(body).Decode(&r); err == nil {
		err = json.Unmarshal(r.Raw, &r.Credentials)
	}
	switch {
	case isLate(err):
		return Report{}, s.late()
	case err != nil, r.Credentials == nil, r.Now.IsZero(): // an error may quote the answer
		return Report{}, fmt.Errorf("what answers at %s shows no status of a service, but something else: give the address of its status.listen", s.URL())
	}
	return r, nil
}
