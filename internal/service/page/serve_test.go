package page

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// showing is a Page of a View.
func showing(v View) (*Page, *http.ServeMux) {
	p := New(func(context.Context) View { return v })
	mux := http.NewServeMux()
	p.Routes(mux)
	return p, mux
}

func get(mux *http.ServeMux, path string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	mux.ServeHTTP(out, httptest.NewRequest(http.MethodGet, path, nil))
	return out
}

// Whatever is shown, and whoever wrote it, is text.
func TestPageEscapes(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	c := good("a", with(&Problem{Text: evil, Advice: evil}), withNewer(&Problem{Text: evil, Advice: evil}), func(c *Credential) {
		c.Kind, c.App, c.Issuer, c.FetchedBy, c.Same, c.Clients = evil, evil, evil, evil, []string{evil}, []Client{{evil, evil, now}}
	})
	_, mux := showing(View{
		Now: now, Version: evil, Replica: evil, Redis: Redis{Degraded: true, Trouble: evil, Advice: evil}, Config: Config{Error: evil},
		Doors: []Door{{Name: evil, Listens: evil}}, Credentials: []Credential{c}, Incidents: []Incident{{now, evil, evil, evil}},
	})
	body := get(mux, "/?q=%22%3E%3Cscript%3E&show=%22%3E%3Cscript%3E").Body.String()
	assert.Equal(t, 1, strings.Count(body, "<script"), "that of page.js")
	assert.NotContains(t, body, `"><script`)
	assert.Contains(t, body, "&lt;script&gt;alert(1)")
}

// The policy allows nothing that stands in the page, and the page has nothing of that kind.
func TestPageIsStrict(t *testing.T) {
	_, mux := showing(View{Now: now, Credentials: []Credential{good("a"), good("b", none, with(refused)), good("c", off)}})
	for path, kind := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/page.svg": "image/svg+xml"} {
		out := get(mux, path)
		assert.Equal(t, http.StatusOK, out.Code, path)
		assert.True(t, strings.HasPrefix(out.Header().Get("Content-Type"), kind), path)
		assert.True(t, strings.HasPrefix(out.Header().Get("Content-Security-Policy"), "default-src 'none';"), path)
		assert.NotContains(t, out.Header().Get("Content-Security-Policy"), "unsafe")
		assert.Equal(t, "nosniff", out.Header().Get("X-Content-Type-Options"))
		assert.Equal(t, "no-store", out.Header().Get("Cache-Control"))
		for _, elsewhere := range regexp.MustCompile(`(https?:)?//[\w.]+`).FindAllString(out.Body.String(), -1) {
			if path != "/page.js" { // its comments
				assert.Equal(t, "http://www.w3.org", elsewhere, path)
			}
		}
	}
	body := get(mux, "/").Body.String()
	assert.NotRegexp(t, `(?i)\sstyle=|\son[a-z]+=|<style|javascript:`, body)
	link := regexp.MustCompile(`/page\.js\?v=\w+`).FindString(body)
	assert.Contains(t, get(mux, link).Header().Get("Cache-Control"), "immutable", "another version has another address")
	assert.Equal(t, http.StatusNotFound, get(mux, "/page.html").Code)
}

// A browser fetches style and script while Redis is asked.
func TestTopComesBeforeTheLook(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	p := New(func(context.Context) View {
		close(asked)
		<-answer
		return View{Now: now, Credentials: []Credential{good("a")}}
	})
	mux := http.NewServeMux()
	p.Routes(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	res, err := http.Get(server.URL)
	require.NoError(t, err)
	defer res.Body.Close()
	<-asked
	body, top := bufio.NewReader(res.Body), ""
	for !strings.Contains(top, "/page.js") {
		line, err := body.ReadString('\n')
		require.NoError(t, err, top)
		top += line
	}
	assert.Contains(t, top, "/page.css")
	close(answer)
	rest, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Contains(t, string(rest), `<li id="c-a"`)
	assert.Contains(t, string(rest), "</html>")
}

// deaf takes the top, and nothing more.
type deaf struct{ *httptest.ResponseRecorder }

func (d deaf) Write(p []byte) (int, error) {
	if d.Body.Len() > 0 {
		return 0, io.ErrClosedPipe
	}
	return d.ResponseRecorder.Write(p)
}

// Half a page does not end as a whole one does.
func TestPageThatCannotBeSent(t *testing.T) {
	_, mux := showing(View{Now: now, Credentials: []Credential{good("a")}})
	out := deaf{httptest.NewRecorder()}
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { mux.ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/", nil)) })
	assert.NotContains(t, out.Body.String(), "</html>")
}

func TestFilterWithoutScript(t *testing.T) {
	_, mux := showing(View{Now: now, Credentials: []Credential{
		good("crm"), good("crm-eu", func(c *Credential) { c.Clients = []Client{{"Billing", "tokens", now}} }), good("hr", none, with(refused)), good("old", off),
	}})
	for query, want := range map[string]string{
		"":                   "hr crm crm-eu old",
		"?q=crm":             "crm crm-eu",
		"?q=CRM+billing":     "crm-eu",
		"?q=nobody":          "",
		"?show=trouble":      "hr",
		"?show=disabled":     "old",
		"?show=well&q=eu":    "crm-eu",
		"?show=nothing-such": "hr crm crm-eu old",
	} {
		body := get(mux, "/"+query).Body.String()
		var shown []string
		for _, row := range regexp.MustCompile(`<li id="c-([^"]+)"[^>]*>`).FindAllStringSubmatch(body, -1) {
			if !strings.HasSuffix(row[0], " hidden>") {
				shown = append(shown, row[1])
			}
		}
		assert.Equal(t, want, strings.Join(shown, " "), query)
		assert.Equal(t, 1, strings.Count(body, `" checked`), query)
		assert.Equal(t, want == "", strings.Contains(body, "No credential is like that."), query)
		assert.Equal(t, want == "", strings.Contains(body, `<ul class="rows blank"`), query)
	}
}

// What an on-call person needs of a credential in trouble stands in its row.
func TestRowTellsWhatToDo(t *testing.T) {
	html, err := render("row", now, rowOf(good("crm", none, with(refused), func(c *Credential) { c.Failed = 2 })))
	require.NoError(t, err)
	text := regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`<[^>]+>`).ReplaceAllString(html, " "), " ")
	for _, part := range []string{"No token", "app secret invalid for 60 s", "To do check the app secret", "the issuer is asked again in 60 s", "2 failed", "nobody yet"} {
		assert.Contains(t, text, part)
	}
	html, err = render("row", now, rowOf(good("crm", due, with(&Problem{Text: "busy"}))))
	require.NoError(t, err)
	assert.Contains(t, html, "nothing yet")
	assert.Contains(t, html, "the issuer is asked again by itself")
	html, err = render("row", now, rowOf(good("crm", with(redis))))
	require.NoError(t, err)
	assert.NotContains(t, html, "redis timeout", "the page tells that once")
	html, err = render("row", now, rowOf(good("crm", due, urgent)))
	require.NoError(t, err)
	assert.Contains(t, html, `<span class="state">Ending</span>`)
	assert.Contains(t, html, "nobody has brought another")
	const todo = "see that a refresher runs, and reaches the issuer"
	assert.Contains(t, html, todo)
	html, err = render("row", now, rowOf(good("crm", due, urgent, with(busy))))
	require.NoError(t, err)
	assert.NotContains(t, html, todo, "its problem has advice of its own")
}

func TestRowOfManyClients(t *testing.T) {
	c := good("crm")
	for _, name := range []string{"a", "b", "c", "d"} {
		c.Clients = append(c.Clients, Client{name, "tokens", now})
	}
	assert.Empty(t, rowOf(c).Rest, "four take as much room as three and a word")
	c.Clients = append(c.Clients, Client{"e", "socket", now.Add(-time.Hour)})
	html, err := render("row", now, rowOf(c))
	require.NoError(t, err)
	assert.Contains(t, html, "2 more")
	assert.Contains(t, html, "socket, ")
}
