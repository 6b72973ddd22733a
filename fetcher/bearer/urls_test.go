package bearer_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Servers copy the query into the Location. http.Client would make it the URL of its own request,
// which stands in its errors and in the Referer.
func TestTokenInALocation(t *testing.T) {
	for edge, c := range map[string]struct {
		location string // %s: the token
		next     string // the query of the next hop, %s as above; "": an error
		host     string
	}{
		"copied, within the host":      {"/x?a=b&access_token=%s", "a=b&access_token=%s", host},
		"copied, escaped":              {"/x?access%%5Ftoken=%s&a=b", "a=b&access_token=%s", host},
		"copied, to a foreign host":    {"https://evil.example/?access_token=%s&a=b", "a=b", "evil.example"},
		"not copied":                   {"/x?a=b", "a=b&access_token=%s", host},
		"another token of the API's":   {"/x?access_token=other", "access_token=other", host},
		"in another parameter":         {"/x?token=%s", "", ""},
		"in a URL within a parameter":  {"/login?next=https%%3A%%2F%%2Fopen.feishu.cn%%2Fx%%3Faccess_token%%3D%s", "", ""},
		"in a fragment":                {"/x#access_token=%s", "", ""},
		"in a path of a foreign host":  {"https://evil.example/%s", "", ""},
		"copied, and in another place": {"/%s?access_token=%[1]s", "", ""},
	} {
		t.Run(edge, func(t *testing.T) {
			var token string
			fill := func(format string) string {
				if !strings.Contains(format, "%") {
					return format
				}
				return fmt.Sprintf(format, token)
			}
			hops := 0
			s := newStage(t, feishutest.Config{}, func(b *bearer.Config) {
				b.Place = bearer.InQuery("access_token")
				b.Base = roundTrip(func(req *http.Request) (*http.Response, error) {
					if hops++; hops == 2 {
						return reply(200, jsonType, `{}`), nil
					}
					token = req.URL.Query().Get("access_token")
					resp := reply(http.StatusFound, "text/plain", "")
					resp.Header.Set("Location", fill(c.location))
					return resp, nil
				})
			})
			resp, err := s.client.Do(newRequest(t, http.MethodGet, query, nil))
			require.NotEmpty(t, token)
			if c.next == "" {
				require.ErrorContains(t, err, "redirects to a URL that holds the access token")
				assertHidden(t, err, token)
				assert.Len(t, s.sent, 1)
				return
			}
			require.NoError(t, err)
			resp.Body.Close()
			require.Len(t, s.sent, 2)
			assert.Equal(t, fill(c.next), s.sent[1].URL.RawQuery)
			assert.Equal(t, c.host, s.sent[1].URL.Host)
			assert.NotContains(t, fmt.Sprint(s.sent[1].Header), token)
		})
	}
}

// Over a socket: what a client gets to see of a request with the token in its query.
func TestQueryTokenIsHidden(t *testing.T) {
	var referer, got string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			referer = r.Header.Get("Referer")
			return
		}
		got = r.URL.Query().Get("access_token")
		http.Redirect(w, r, "/end?"+r.URL.RawQuery, http.StatusFound)
	}))
	base := &http.Transport{DisableKeepAlives: true}
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) {
		c.Hosts, c.Base, c.Place = []string{api.URL}, base, bearer.InQuery("access_token")
	})
	var log strings.Builder
	resp, err := s.client.Do(newRequest(t, http.MethodGet, api.URL+"/begin?a=b", nil))
	require.NoError(t, err)
	resp.Body.Close()
	token := s.issuer.Pairs()[0].Tenant
	require.Equal(t, token, got)
	assert.Equal(t, api.URL+"/begin?a=b", referer)
	slog.New(slog.NewTextHandler(&log, nil)).Info("done", "url", resp.Request.URL, "request", resp.Request)
	assert.NotContains(t, log.String(), token)

	api.Close()
	_, err = s.client.Do(newRequest(t, http.MethodGet, api.URL+"/begin", nil)) //nolint:bodyclose // there is none
	require.Error(t, err)
	assertHidden(t, err, token)
}

// The token is found however it is escaped: by whom, how often, in which case, and beside what is no
// escape. A hop to a foreign host must not have it, and where it cannot be taken out there is no hop.
func TestEscapedTokenInALocation(t *testing.T) {
	for _, token := range []string{"a+b", "t/x=y==", "a%b+c", "t%2Fx", "ab cd/ef", "t-plain"} {
		for _, spelled := range spellings(token) {
			for _, format := range []string{
				"https://evil.example/x?access_token=%s",
				"https://evil.example/x?access_token=%s&q=%%zz",
				"https://evil.example/x?token=%s&q=100%%",
				"https://evil.example/?next=https://open.feishu.cn/x?access_token=%s",
				"https://evil.example/%%zz/%s",
				"https://evil.example/x#%s",
				"https://[/?access_token=%s", // no URL: http.Client quotes it
			} {
				location := fmt.Sprintf(format, spelled)
				hops, err := hopsOf(t, token, location)
				if assert.Equal(t, err == nil, len(hops) == 2, location); len(hops) == 2 {
					assert.False(t, holds(hops[1], token), "%s went to %s", location, hops[1])
				}
				if err != nil {
					assert.False(t, holds(err.Error(), token), "%s: %v", location, err)
				}
				if format == "https://evil.example/x?access_token=%s" {
					require.NoError(t, err, location)
					assert.Equal(t, "https://evil.example/x", hops[1], "taken out")
				}
			}
		}
	}
}

// What is no redirect is no error: a header is dropped if the token cannot be taken out of it.
func TestTokenInAnotherURLOfAReply(t *testing.T) {
	for edge, c := range map[string]struct {
		status              int
		header, value, want string // want "": dropped
	}{
		"created":                    {201, "Location", "/x/1?access_token=a%2Bb&v=1", "/x/1?v=1"},
		"created, elsewhere":         {201, "Location", "/x/a+b", ""},
		"created, without the token": {201, "Location", "/x/1?v=%zz", "/x/1?v=%zz"},
		"content":                    {200, "Content-Location", "/x?access_token=a+b#top", "/x#top"},
		"content, elsewhere":         {200, "Content-Location", "/x?next=%252Fy%253Faccess_token%253Da%25252bb", ""},
		"pages": {200, "Link", `</x?page=2&access_token=a%2bb>; rel="next", </x?access_token=a%2Bb&page=9>; rel="last"`,
			`</x?page=2>; rel="next", </x?page=9>; rel="last"`},
		"pages, elsewhere":   {200, "Link", `</x/a%2Bb>; rel="next"`, ""},
		"refresh":            {200, "Refresh", "5; url=https://open.feishu.cn/x?access_token=a%2Bb", "5; url=https://open.feishu.cn/x"},
		"refresh, elsewhere": {200, "Refresh", "5; url=/a%2Bb", ""},
		"of a redirect":      {302, "Content-Location", "/a%2Bb", ""},
	} {
		t.Run(edge, func(t *testing.T) {
			theirs := http.Header{c.header: {c.value}, "X-Other": {"x"}}
			s := newStage(t, feishutest.Config{}, on(func(*http.Request) (*http.Response, error) {
				resp := reply(c.status, "text/plain", "done")
				resp.Header = theirs
				return resp, nil
			}), inQuery("a+b"))
			resp, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodGet, query, nil))
			require.NoError(t, err)
			resp.Body.Close()
			want := http.Header{"X-Other": {"x"}}
			if c.want != "" {
				want.Set(c.header, c.want)
			}
			assert.Equal(t, want, resp.Header)
			assert.Equal(t, http.Header{c.header: {c.value}, "X-Other": {"x"}}, theirs, "Base's own is left alone")
		})
	}
}

// FuzzLocation: wherever a redirect says the token, http.Client does not get to see it; and one that
// does not say it is the API's, to the letter.
func FuzzLocation(f *testing.F) {
	f.Add("/x?a=b&access_token=", "&c=d")
	f.Add("/x?access%5Ftoken=", "")
	f.Add("/login?next=https%3A%2F%2Fopen.feishu.cn%2Fx%3Faccess_token%3D", "")
	f.Add("https://evil.example/", "#x")
	f.Add("https://[/?access_token=", "")
	f.Add("?access_token=%", "%zz")
	const token = "t-g104/+SECRET=="
	location := ""
	transport, err := bearer.New(bearer.Config{
		Source: gives{tokenOf(token)}, Hosts: []string{host}, Place: bearer.InQuery("access_token"),
		Base: roundTrip(func(*http.Request) (*http.Response, error) {
			resp := reply(http.StatusFound, "text/plain", "")
			resp.Header["Location"] = []string{location}
			return resp, nil
		}),
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, spelled := range append(spellings(token), "") {
			location = before + spelled + after
			resp, err := transport.RoundTrip(newRequest(t, http.MethodGet, query, nil))
			if err == nil {
				resp.Body.Close()
				assert.False(t, holds(resp.Header.Get("Location"), token), resp.Header.Get("Location"))
			}
			if !holds(location, token) {
				require.NoError(t, err)
				assert.Equal(t, location, resp.Header.Get("Location"))
			}
		}
	})
}

// spellings of a token in a URL: escaped up to twice, by those who know little and those who escape
// all, with hexadecimal digits in both cases, and in part.
func spellings(token string) []string {
	all := []string{token}
	for range 2 {
		for _, s := range all {
			var every strings.Builder
			for _, b := range []byte(s) {
				fmt.Fprintf(&every, "%%%02X", b)
			}
			all = append(all, url.QueryEscape(s), url.PathEscape(s), every.String())
		}
	}
	for _, s := range all {
		all = append(all, hexOf.ReplaceAllStringFunc(s, strings.ToLower))
	}
	return append(all, strings.Replace(token, "/", "%2f", 1), strings.Replace(token, "+", "%2b", 1))
}

var hexOf = regexp.MustCompile("%[0-9a-fA-F]{2}")

// holds decodes a text again and again, with a plus as it is and as a space, and looks for the token
// each time.
func holds(text, token string) bool {
	for range 6 {
		for _, plus := range []string{"+", " "} {
			if strings.Contains(strings.ReplaceAll(text, "+", plus), token) {
				return true
			}
		}
		text = hexOf.ReplaceAllStringFunc(text, func(hex string) string {
			b, _ := strconv.ParseUint(hex[1:], 16, 8)
			return string([]byte{byte(b)})
		})
	}
	return false
}

func inQuery(token string) func(*bearer.Config) {
	return func(c *bearer.Config) { c.Place, c.Source = bearer.InQuery("access_token"), gives{tokenOf(token)} }
}

// hopsOf are the URLs to which a client goes that is sent to a location.
func hopsOf(t *testing.T, token, location string) (hops []string, err error) {
	t.Helper()
	transport, err := bearer.New(bearer.Config{
		Source: gives{tokenOf(token)}, Hosts: []string{host}, Place: bearer.InQuery("access_token"),
		Base: roundTrip(func(req *http.Request) (*http.Response, error) {
			if hops = append(hops, req.URL.String()); len(hops) > 1 {
				return reply(200, jsonType, `{}`), nil
			}
			resp := reply(http.StatusFound, "text/plain", "")
			resp.Header.Set("Location", location)
			return resp, nil
		}),
	})
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: transport}).Do(newRequest(t, http.MethodGet, query, nil))
	if err == nil {
		resp.Body.Close()
	}
	return hops, err
}
