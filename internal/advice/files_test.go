package advice

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNamedVariables(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"check FEISHU_APP_SECRET (REDIS_URL)":   "check FEISHU_APP_SECRET_FILE (REDIS_URL)",
		"FEISHU_APP_SECRET_FILE: it is empty":   "FEISHU_APP_SECRET_FILE: it is empty",
		"MY_FEISHU_APP_SECRET, FEISHU_APP_ID":   "MY_FEISHU_APP_SECRET, FEISHU_APP_ID",
		"FEISHU_APP_SECRET, FEISHU_APP_SECRET.": "FEISHU_APP_SECRET_FILE, FEISHU_APP_SECRET_FILE.",
		"":                                      "",
	} {
		assert.Equal(t, want, Files{"FEISHU_APP_SECRET": "f"}.Named(text))
		assert.Equal(t, text, Files(nil).Named(text))
	}
}
