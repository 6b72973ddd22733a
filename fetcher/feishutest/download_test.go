package feishutest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestDownload(t *testing.T) {
	reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		pair := issuer.Rotate()
		for _, c := range []struct {
			edge        string
			token       string
			contentType string // of the request
			key         string
			status      int
			disposition string
			code        string // in the body; "" for a file
		}{
			{edge: "good", token: pair.Tenant, key: "file_v2_1", status: 200},
			{edge: "by an SDK", token: pair.Tenant, contentType: "application/json", key: "file_v2_1", status: 200, disposition: `attachment; filename="file.bin"`},
			{edge: "another file", token: pair.Tenant, key: "file_v2_2", status: 200},
			{edge: "no key of a file", token: pair.Tenant, key: "img_v2_1", status: 400, code: `"code":234001`},
			{edge: "no key", token: pair.Tenant, status: 400, code: `"code":234001`},
			{edge: "an app token", token: pair.App, key: "file_v2_1", status: 400, code: `"code":99991663`},
			{edge: "no token", key: "file_v2_1", status: 400, code: `"code":99991661`},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newGet(t, feishutest.FilesPath+"/"+c.key, c.token)
				if c.contentType != "" {
					req.Header.Set("Content-Type", c.contentType)
				}
				resp, err := do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Equal(t, c.disposition, resp.Header.Get("Content-Disposition"))
				if c.code != "" {
					assert.Contains(t, string(body), c.code)
					return
				}
				assert.Equal(t, "application/octet-stream", resp.Header.Get("Content-Type"))
				assert.EqualValues(t, feishutest.FileSize, resp.ContentLength)
				sum := sha256.Sum256(body)
				assert.Equal(t, feishutest.FileSHA256(c.key), hex.EncodeToString(sum[:]))
			})
		}
	})
	assert.NotEqual(t, feishutest.FileSHA256("file_1"), feishutest.FileSHA256("file_2"))
}
