package oauth2test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

const (
	bearerChallenge = `Bearer realm="oauth2test"`
	maxAPIBody      = 32 << 20
)

// respondAPI is the protected API. An error means that the body did not arrive.
func (i *Issuer) respondAPI(r *http.Request) (lookalike.Reply, error) {
	i.mu.Lock()
	fault := i.apiFaults.Take()
	i.mu.Unlock()
	var err error
	rep := fault.Spoil(func() (rep lookalike.Reply) {
		rep, err = i.answerAPI(r)
		return rep
	})
	return rep, err
}

func (i *Issuer) answerAPI(r *http.Request) (lookalike.Reply, error) {
	want := r.URL.Query().Get("scope")
	t, rep, ok := i.admit(r, want)
	if !ok {
		if r.URL.Query().Get("bare") == "true" && rep.Status == http.StatusUnauthorized {
			return bareUnauthorized(), nil
		}
		return rep, nil
	}
	sum := sha256.New()
	size, err := io.Copy(sum, io.LimitReader(r.Body, maxAPIBody+1))
	switch {
	case err != nil:
		return lookalike.Reply{}, err
	case size > maxAPIBody:
		return lookalike.Text(http.StatusRequestEntityTooLarge, "413 up to 32 MB"), nil
	}
	return lookalike.JSON(http.StatusOK, map[string]any{
		"client_id": t.ClientID, "scope": t.Scope, "audience": t.Audience,
		"size": size, "sha256": hex.EncodeToString(sum.Sum(nil)),
	}), nil
}

// admit returns the token that the request came with, or a challenge (RFC 6750 3).
func (i *Issuer) admit(r *http.Request, want string) (t Token, rep lookalike.Reply, ok bool) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || value == "" {
		return t, challenge(http.StatusUnauthorized, "", ""), false
	}
	t = i.validToken(value)
	switch {
	case t.Value == "":
		return t, challenge(http.StatusUnauthorized, "invalid_token", ""), false
	case want != "" && !slices.Contains(strings.Fields(t.Scope), want):
		if !isScopeToken(want) { // it would not fit into the header
			want = ""
		}
		return t, challenge(http.StatusForbidden, "insufficient_scope", want), false
	}
	return t, lookalike.Reply{}, true
}

// validToken is the zero Token for one that is not, or no longer, valid.
func (i *Issuer) validToken(value string) Token {
	i.mu.Lock()
	defer i.mu.Unlock()
	t := i.book.Find(value)
	if t.remaining(time.Now()) == 0 {
		return Token{}
	}
	return *t
}

// challenge has no error where no token was sent.
func challenge(status int, code, scope string) lookalike.Reply {
	header := bearerChallenge
	if code != "" {
		header += `, error="` + code + `"`
	}
	if scope != "" {
		header += `, scope="` + scope + `"`
	}
	rep := lookalike.JSON(status, map[string]string{"error": code})
	if code == "" {
		rep = lookalike.Text(status, "401 a token is wanted")
	}
	rep.Header.Set("WWW-Authenticate", header)
	rep.Error = code
	return rep
}

func bareUnauthorized() lookalike.Reply {
	return lookalike.Text(http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized))
}
