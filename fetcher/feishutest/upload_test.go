package feishutest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// form writes fields, and a file unless it is nil.
func form(t *testing.T, fields map[string]string, file io.Reader) (contentType string, body []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	if file != nil {
		part, err := w.CreateFormFile("file", "some.bin")
		require.NoError(t, err)
		_, err = io.Copy(part, file)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), buf.Bytes()
}

func newUpload(t *testing.T, token, contentType string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://feishu.test"+feishutest.FilesPath, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

func TestUpload(t *testing.T) {
	good := map[string]string{"file_type": "stream", "file_name": "some.bin"}
	content := strings.Repeat("0123456789", 100_000)
	reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		pair := issuer.Rotate()
		for _, c := range []struct {
			edge   string
			token  string
			fields map[string]string
			file   io.Reader
			cut    int // so many bytes of the end
			code   int
		}{
			{edge: "good", token: pair.Tenant, fields: good, file: strings.NewReader(content)},
			{edge: "30 MB", token: pair.Tenant, fields: good, file: io.LimitReader(zeros{}, 30<<20)},
			{edge: "a byte more", token: pair.Tenant, fields: good, file: io.LimitReader(zeros{}, 30<<20+1), code: 234006},
			{edge: "nothing", token: pair.Tenant, fields: good, file: strings.NewReader(""), code: 234010},
			{edge: "no file", token: pair.Tenant, fields: good, code: 234001},
			{edge: "no type", token: pair.Tenant, fields: map[string]string{"file_name": "x"}, file: strings.NewReader("x"), code: 234001},
			{edge: "another type", token: pair.Tenant, fields: map[string]string{"file_name": "x", "file_type": "csv"}, file: strings.NewReader("x"), code: 234001},
			{edge: "no name", token: pair.Tenant, fields: map[string]string{"file_type": "stream"}, file: strings.NewReader("x"), code: 234001},
			{edge: "without its end", token: pair.Tenant, fields: good, file: strings.NewReader("x"), cut: 6, code: 234001},
			{edge: "cut in the file", token: pair.Tenant, fields: good, file: strings.NewReader(content), cut: 5000, code: 234001},
			{edge: "an app token", token: pair.App, fields: good, file: strings.NewReader("x"), code: 99991663},
			{edge: "no token", fields: good, file: strings.NewReader("x"), code: 99991661},
		} {
			t.Run(c.edge, func(t *testing.T) {
				contentType, body := form(t, c.fields, c.file)
				resp, err := do(newUpload(t, c.token, contentType, bytes.NewReader(body[:len(body)-c.cut])))
				require.NoError(t, err)
				defer func() { _ = resp.Body.Close() }()
				var answer struct {
					Code int
					Data struct {
						FileKey string `json:"file_key"`
						Size    int
						SHA256  string
					}
				}
				require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
				assert.Equal(t, c.code, answer.Code)
				assert.Equal(t, c.code != 0, resp.StatusCode == http.StatusBadRequest)
				if c.edge == "good" {
					sum := sha256.Sum256([]byte(content))
					assert.Equal(t, len(content), answer.Data.Size)
					assert.Equal(t, hex.EncodeToString(sum[:]), answer.Data.SHA256)
					assert.NotEmpty(t, answer.Data.FileKey)
				}
			})
		}
		t.Run("no form", func(t *testing.T) {
			resp, err := do(newUpload(t, pair.Tenant, "application/json", strings.NewReader(`{}`)))
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Contains(t, string(body), `"code":234001`)
		})
	})
}

// A body that its own client cannot read is no bad form: the call fails as with a real transport.
func TestUploadThatDoesNotArrive(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	broken := errors.New("the disk is gone")
	contentType, body := form(t, map[string]string{"file_type": "stream"}, strings.NewReader("x"))
	req := newUpload(t, issuer.Rotate().Tenant, contentType, io.MultiReader(bytes.NewReader(body[:50]), iotest.ErrReader(broken)))
	resp, err := issuer.RoundTripper().RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, broken)
	assert.Nil(t, req.MultipartForm, "the caller's request stays as it is")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
