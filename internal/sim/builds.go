package sim

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/internal/wire"
)

// Two builds with one id seal in different ways, so that neither can open what the other has
// sealed. Another build is this one, and all its seals are translated on their way to Redis and
// back: upper case is lower case there. Twice that is nothing, so it reads its own; what this build
// has sealed is none to it. Nothing gets longer.
type translator struct {
	mu   sync.Mutex        // guards sums
	sums map[string]string // of records as they are stored, by what the other build takes them for
}

var (
	seals   = regexp.MustCompile(`[A-Za-z0-9_-]{38,}`)
	records = regexp.MustCompile(`([A-Za-z0-9_-]{38,})\r\n\$32\r\n([0-9a-f]{32})\r\n\$\d+\r\n(\d+)\r\n\$40\r\n([0-9a-f]{40})\r\n`)
	hexSum  = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// rewrite is a [redistest.Shape]'s.
func (t *translator) rewrite(raw []byte, request bool) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	sums := map[string]string{}
	if !request {
		for _, m := range records.FindAllSubmatch(raw, -1) {
			sealed, fp, life, sum := string(m[1]), string(m[2]), string(m[3]), string(m[4])
			if wire.Sum(sealed, fp, life) == sum {
				sums[sum] = wire.Sum(string(otherCase(m[1])), fp, life)
				t.sums[sums[sum]] = sum
			}
		}
	}
	return seals.ReplaceAllFunc(raw, func(word []byte) []byte {
		switch {
		case !hexSum.Match(word):
			return otherCase(word)
		case request && t.sums[string(word)] != "": // it names a record
			return []byte(t.sums[string(word)])
		case sums[string(word)] != "":
			return []byte(sums[string(word)])
		}
		return word
	})
}

func otherCase(word []byte) []byte {
	return bytes.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return c
	}, word)
}

// sealer is that of this build.
func (w *world) sealer(a *app) wire.Sealer {
	digest, seal := wire.Derive([]string{"feishu", a.issuer.AppID(), fetcher.FeishuURL}, []string{a.issuer.AppSecret()})
	if !strings.HasSuffix(a.key, ":"+digest) {
		w.t.Fatal("sim: the key of an app is derived in another way")
	}
	return seal
}

// isOurs reports whether the record that is stored can be opened by this build.
func (w *world) isOurs(a *app) bool {
	server, key := w.redis.Server(), w.key(a, "token")
	life, _ := wire.ParseMillis(server.HGet(key, "life"))
	_, _, err := w.sealer(a).OpenRecord(a.key, server.HGet(key, "fingerprint"), life, server.HGet(key, "sealed"))
	return err == nil
}

// buildOf is which one the next process of that index is: 0 for this, 1 for another.
func (w *world) buildOf(index int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.builds[index]
}

// roll replaces a replica by one of that build, as a deployment does. One that is not there comes
// back as one of that build.
func (w *world) roll(index, build int) {
	w.mu.Lock()
	w.builds[index] = build
	w.mu.Unlock()
	r := w.present(index)
	if r == nil || r.build == build {
		return
	}
	t := w.trouble(&kind{name: "closed for another build", everyApp: true, trouble: trouble{gone: true, repeats: 1}}, index, all)
	if r.close() {
		w.hand.sleep(10 * time.Millisecond)
		w.begin(index, r.life+1)
	}
	w.pass(t)
}
