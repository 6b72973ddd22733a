package page

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Routes adds the page's paths: /, /page.css, /page.js, /page.svg and /api/events.
func (p *Page) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", hardened(p.servePage))
	mux.HandleFunc("GET /api/events", hardened(p.serveEvents))
	for _, name := range []string{"page.css", "page.js", "page.svg"} {
		mux.HandleFunc("GET /"+name, hardened(serveAsset(name)))
	}
}

// policy lets a browser load what is from here, and nothing that stands in the page itself.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func hardened(next http.HandlerFunc) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		h := out.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next(out, r)
	}
}

// whole is the page.
type whole struct {
	Look     string
	Title    string
	Version  string
	Assets   string // changes with them, so that no browser has an old one
	View     View
	Headline headline
	Facts    facts
	Timeline chronicle
	Choices  []choice
	Rows     []row
	Shown    int
	Query    string
}

// servePage is the page as it is without JavaScript, and as page.js begins with it. ?q= and ?show= are the filter. The
// browser has the top while Redis is asked.
func (p *Page) servePage(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	stream := bufio.NewWriterSize(out, 32<<10)
	err := errors.Join(draw(stream, "top", time.Time{}, assetsDigest), stream.Flush())
	_ = http.NewResponseController(out).Flush() // if it cannot, the top comes with the rest
	query := r.URL.Query()
	if errors.Join(err, p.drawTo(stream, p.lately(r.Context()), query.Get("q"), groupAsked(query.Get("show"))), stream.Flush()) != nil {
		panic(http.ErrAbortHandler) // half a page is told from a whole one; who does not read on has none
	}
}

// drawTo draws what comes below the top: without a filter once for each look, since templates cost most of a page.
func (p *Page) drawTo(out io.Writer, s *snapshot, q, show string) error {
	if q != "" || show != everything.Key {
		return draw(out, "page", s.view.Now, p.wholeOf(s, q, show))
	}
	text, err := s.unfiltered(p)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func (s *snapshot) unfiltered(p *Page) ([]byte, error) {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	if s.whole != nil {
		return s.whole, nil
	}
	var text bytes.Buffer
	if err := draw(&text, "page", s.view.Now, p.wholeOf(s, "", everything.Key)); err != nil {
		return nil, err
	}
	s.whole = text.Bytes()
	return s.whole, nil
}

// wholeOf is the page of a look, with a filter.
func (p *Page) wholeOf(s *snapshot, q, show string) whole {
	w := whole{
		Look: p.name(s.look), Title: s.title(), Version: s.view.Version, Assets: assetsDigest, View: s.view, Headline: s.headline,
		Facts: facts{s.view.Redis, s.view.Config, s.view.Doors}, Choices: choices(s.rows, show), Query: q,
		Timeline: chronicle{s.view.Incidents[:min(len(s.view.Incidents), incidentsShown)]},
	}
	for _, row := range s.rows {
		row.Hidden = show != "" && row.Group != show || !row.matches(q)
		w.Rows = append(w.Rows, row)
		if !row.Hidden {
			w.Shown++
		}
	}
	return w
}

// Words are what the filter looks through: page.js has them from the row.
func (r row) Words() string {
	words := append([]string{r.Name, r.Kind, r.App, r.Issuer, r.Standing.Label()}, r.Same...)
	for _, c := range r.Clients {
		words = append(words, c.Name)
	}
	return strings.ToLower(strings.Join(words, " "))
}

// matches reports whether each word of the query is in one of the row's.
func (r row) matches(query string) bool {
	words := r.Words()
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !strings.Contains(words, word) {
			return false
		}
	}
	return true
}

//go:embed page.css page.js page.svg page.html
var assets embed.FS

// assetsDigest is of all that a browser gets from here besides what changes.
var assetsDigest = func() string {
	sum := sha256.New()
	for _, name := range []string{"page.css", "page.js", "page.svg", "page.html"} {
		_, _ = sum.Write(asset(name))
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}()

func asset(name string) []byte {
	text, err := assets.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return text
}

var assetTypes = map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}

// serveAsset lets a browser keep it, as another version has another address.
func serveAsset(name string) http.HandlerFunc {
	text := asset(name)
	_, kind, _ := strings.Cut(name, ".")
	return func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", assetTypes[kind])
		if r.URL.Query().Get("v") == assetsDigest {
			out.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		}
		_, _ = out.Write(text)
	}
}
