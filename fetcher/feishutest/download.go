package feishutest

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// FileSize is how many bytes every file has that an Issuer lets download: 1 MiB.
const FileSize = 1 << 20

// FileSHA256 returns the SHA-256, in hex, of what a download of the key brings. The key itself says
// what is in the file, since an Issuer keeps no uploads: it is not what was uploaded under that key.
func FileSHA256(key string) string {
	sum := sha256.Sum256(fileOf(key))
	return hex.EncodeToString(sum[:])
}

func fileOf(key string) []byte {
	content := make([]byte, FileSize)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(key))).Read(content)
	return content
}

// respondDownload is a business API that answers with a file. Like the real one it names the file
// only to those who say that they want JSON, as the official SDKs do.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/file/get
func (i *Issuer) respondDownload(r *http.Request, key string) lookalike.Reply {
	if _, rep, ok := i.checkTenant(r); !ok {
		return rep
	}
	if !strings.HasPrefix(key, "file_") {
		return refusal(http.StatusBadRequest, 234001, "Invalid request param.")
	}
	rep := lookalike.New(http.StatusOK, "application/octet-stream", fileOf(key))
	if isJSON(r.Header.Get("Content-Type")) {
		rep.Header.Set("Content-Disposition", `attachment; filename="file.bin"`)
	}
	return rep
}
