package feishutest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// What an upload may have, by the documentation of the real API.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/file/create
const maxFile = 30 << 20

var fileTypes = []string{"opus", "mp4", "pdf", "doc", "xls", "ppt", "stream"}

var errTooLarge = errors.New("more than a file may have")

// upload is what has arrived of one.
type upload struct {
	fileType, fileName string
	size               int64
	sum                string // SHA-256 of the file, in hex
	given              bool
}

// respondFile is a business API that takes multipart/form-data. It keeps nothing, and answers, beside
// the key that the real one gives, with size and SHA-256 of what arrived. An error means that the body
// did not arrive.
func (i *Issuer) respondFile(r *http.Request) (lookalike.Reply, error) {
	if _, rep, ok := i.checkTenant(r); !ok {
		return rep, nil
	}
	source := &witness{body: r.Body}
	r = r.WithContext(r.Context()) // a copy: the caller's request stays as it is
	r.Body = source
	u, whole := readUpload(r)
	switch {
	case source.err != nil:
		return lookalike.Reply{}, source.err
	case u.size > maxFile:
		return refusal(http.StatusBadRequest, 234006, "The file size exceed the max value."), nil
	case !whole || !u.given || u.fileName == "" || !slices.Contains(fileTypes, u.fileType):
		return refusal(http.StatusBadRequest, 234001, "Invalid request param."), nil
	case u.size == 0:
		return refusal(http.StatusBadRequest, 234010, "File's size can't be 0."), nil
	}
	return success("success", map[string]any{
		"file_key": "file_v2_" + lookalike.NewLogID(), "size": u.size, "sha256": u.sum,
	}), nil
}

// witness remembers why a body did not arrive, which a reader of forms would take for a bad form.
type witness struct {
	body io.ReadCloser
	err  error
}

func (w *witness) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

func (w *witness) Close() error { return w.body.Close() }

// readUpload reports whether the body is a form that has its end.
func readUpload(r *http.Request) (u upload, whole bool) {
	form, err := r.MultipartReader()
	if err != nil {
		return u, false
	}
	for {
		part, err := form.NextPart()
		if err == io.EOF { // as it is: wrapped, it is a form without its end
			return u, true
		}
		if err != nil || u.read(part) != nil {
			return u, false
		}
	}
}

// read takes in a part of the form.
func (u *upload) read(part *multipart.Part) (err error) {
	switch part.FormName() {
	case "file":
		sum := sha256.New()
		u.given = true
		u.size, err = io.Copy(sum, io.LimitReader(part, maxFile+1)) // a byte more than there may be: that tells
		u.sum = hex.EncodeToString(sum.Sum(nil))
		if u.size > maxFile {
			err = errTooLarge // and what is left of it is not read
		}
	case "file_type":
		u.fileType, err = readField(part)
	case "file_name":
		u.fileName, err = readField(part)
	}
	return err
}

func readField(part io.Reader) (string, error) {
	value, err := io.ReadAll(io.LimitReader(part, 4<<10))
	return string(value), err
}
