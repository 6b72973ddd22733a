package fetcher

import (
	"errors"
	"net/url"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/internal/address"
)

// Hosts of the two clouds, for [FeishuConfig.BaseURL].
const (
	FeishuURL = "https://open.feishu.cn"
	LarkURL   = "https://open.larksuite.com"
)

var baseURLRules = address.Rules{Field: "BaseURL", Example: FeishuURL, Also: complainOfAPIPath}

// complainOfAPIPath finds the URL of an API where its base is asked for.
func complainOfAPIPath(u *url.URL) error {
	if path := u.Path + "/"; strings.Contains(path, apiPath) {
		return errors.New("BaseURL has the path of an API: leave out " + strings.TrimSuffix(apiPath, "/") + " and what follows, they are added to it")
	}
	return nil
}

// apiPath begins the path of every API of the issuer.
const apiPath = "/open-apis/"
