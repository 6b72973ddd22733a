package clients_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/peer"
)

// request of somebody; each change makes it another's.
func request(changes ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v1/tokens/crm", nil)
	for _, change := range changes {
		change(r)
	}
	return r
}

func authorization(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Authorization"] = values }
}

func basic(name, secret string) func(*http.Request) {
	return authorization("Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret)))
}

func atSocket(uid uint32) func(*http.Request) {
	return func(r *http.Request) { *r = *r.WithContext(peer.WithPeer(r.Context(), uid)) }
}

// everyWay has a client for each way.
func everyWay(t *testing.T) *clients.Table {
	uid := uint32(1000)
	return table(t, billing(), reports(),
		clients.Client{Name: "by-cert", SANs: []string{"cert.example"}, May: clients.Get},
		clients.Client{Name: "by-uid", UID: &uid, May: clients.Get},
		clients.Client{Name: "signs", Secrets: secrets("a+b/c=d%20&e:f0123"), May: clients.Get})
}

func TestIdentify(t *testing.T) {
	clientsOf := everyWay(t)
	cert := func(r *http.Request) { r.TLS = verified(t, "cert.example") }
	for name, c := range map[string]struct {
		request *http.Request
		who     string
	}{
		"Bearer":                              {request(authorization("Bearer " + secretA)), "billing"},
		"in small letters, with blanks":       {request(authorization("bearer   " + secretA + " ")), "billing"},
		"a secret with signs":                 {request(authorization("Bearer a+b/c=d%20&e:f0123")), "signs"},
		"the previous secret":                 {request(authorization("Bearer " + secretC)), "reports"},
		"a wrong one":                         {request(authorization("Bearer " + secretA + "x")), ""},
		"none":                                {request(), ""},
		"the scheme alone":                    {request(authorization("Bearer")), ""},
		"nothing behind the scheme":           {request(authorization("Bearer ")), ""},
		"an empty header":                     {request(authorization("")), ""},
		"the secret alone":                    {request(authorization(secretA)), ""},
		"another scheme":                      {request(authorization("Token " + secretA)), ""},
		"Basic is for the OAuth door":         {request(basic("billing", secretA)), ""},
		"two headers":                         {request(authorization("Bearer "+secretA, "Bearer "+secretA)), ""},
		"in the URL":                          {httptest.NewRequest(http.MethodGet, "/v1/tokens/crm?access_token="+secretA, nil), ""},
		"a certificate":                       {request(cert), "by-cert"},
		"a uid":                               {request(atSocket(1000)), "by-uid"},
		"another uid":                         {request(atSocket(1001)), ""},
		"a secret and a certificate":          {request(cert, authorization("Bearer "+secretA)), "billing"},
		"a wrong secret and a certificate":    {request(cert, authorization("Bearer "+secretA+"x")), ""},
		"a wrong secret and a uid":            {request(atSocket(1000), authorization("Bearer wrong")), ""},
		"an empty header and a uid":           {request(atSocket(1000), authorization("")), ""},
		"a header without a value and a uid":  {request(atSocket(1000), authorization()), "by-uid"},
		"two headers and a certificate":       {request(cert, authorization("Bearer a", "Bearer b")), ""},
		"a certificate of nobody's and a uid": {request(atSocket(1000), func(r *http.Request) { r.TLS = verified(t, "x.example") }), "by-uid"},
		"a proxy's word for a certificate":    {request(func(r *http.Request) { r.Header.Set("X-Forwarded-Client-Cert", "DNS=cert.example") }), ""},
	} {
		who, ok := clientsOf.Identify(c.request)
		assert.Equal(t, c.who, who.Name(), name)
		assert.Equal(t, c.who != "", ok, name)
	}
}

func TestIdentifyOAuth(t *testing.T) {
	clientsOf := everyWay(t)
	cert := func(r *http.Request) { r.TLS = verified(t, "cert.example") }
	signs := "a+b/c=d%20&e:f0123"
	for name, c := range map[string]struct {
		request    *http.Request
		id, secret string // of the body
		who        string
	}{
		"Basic":                            {request(basic("billing", secretA)), "", "", "billing"},
		"Basic, as the RFC wants it":       {request(basic("signs", url.QueryEscape(signs))), "", "", "signs"},
		"Basic, as curl does it":           {request(basic("signs", signs)), "", "", "signs"},
		"Basic, and the name in the body":  {request(basic("billing", secretA)), "billing", "", "billing"},
		"Basic, and another's in the body": {request(basic("billing", secretA)), "reports", "", ""},
		"Basic with another's secret":      {request(basic("billing", secretB)), "", "", ""},
		"Basic without a name":             {request(basic("", secretA)), "", "", ""},
		"Basic that is no base64":          {request(authorization("Basic !!!")), "", "", ""},
		"Basic without a colon":            {request(authorization("Basic " + base64.StdEncoding.EncodeToString([]byte("billing")))), "", "", ""},
		"Basic with a broken escape":       {request(basic("billing", secretA+"%")), "", "", ""},
		"Bearer is for the other door":     {request(authorization("Bearer " + secretA)), "", "", ""},
		"in the body":                      {request(), "reports", secretB, "reports"},
		"a wrong secret in the body":       {request(), "reports", secretA, ""},
		"only the secret in the body":      {request(), "", secretA, ""},
		"only the name in the body":        {request(), "billing", "", ""},
		"nothing":                          {request(), "", "", ""},
		"a certificate":                    {request(cert), "", "", "by-cert"},
		"a certificate and its name":       {request(cert), "by-cert", "", "by-cert"},
		"a certificate and another's name": {request(cert), "billing", "", ""},
		"a certificate and a wrong secret": {request(cert), "by-cert", "wrong", ""},
		"a certificate and a wrong Basic":  {request(cert, basic("by-cert", "wrong")), "", "", ""},
		"a uid":                            {request(atSocket(1000)), "", "", "by-uid"},
		"a uid and another's name":         {request(atSocket(1000)), "by-cert", "", ""},
	} {
		who, ok := clientsOf.IdentifyOAuth(c.request, c.id, c.secret)
		assert.Equal(t, c.who, who.Name(), name)
		assert.Equal(t, c.who != "", ok, name)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("Bearer "+secretA+"x", "billing", secretB)
	f.Add("Basic YmlsbGluZzp4", "", "")
	f.Add("basic", "reports", "%zz")
	clientsOf, err := clients.New([]clients.Client{billing(), reports()}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, name, secret string) {
		r := request(authorization(header))
		if who, ok := clientsOf.Identify(r); ok {
			assert.Contains(t, header, map[string]string{"billing": secretA, "reports": "secret-"}[who.Name()])
		}
		who, ok := clientsOf.IdentifyOAuth(request(), name, secret)
		assert.Equal(t, ok, name == "billing" && secret == secretA || name == "reports" && (secret == secretB || secret == secretC))
		assert.Equal(t, ok, who.Name() != "")
		if _, ok = clientsOf.IdentifyOAuth(r, name, secret); ok {
			plain, err := base64.StdEncoding.DecodeString(strings.Trim(header[len("basic "):], " "))
			assert.NoError(t, err)
			assert.Contains(t, string(plain)+unescaped(string(plain)), "secret-")
		}
	})
}

func unescaped(s string) string {
	plain, _ := url.QueryUnescape(s)
	return plain
}
