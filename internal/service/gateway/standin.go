package gateway

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// standIn is what a client holds in the place of a token: who it is, which kind of token of which credential it may use,
// until when, and of which app, so that it dies if the name comes to mean another one. Written, it is
//
//	ot1.BASE64URL(client/credential/kind/end/app).BASE64URL(seal)
//
// with the end in seconds since 1970, and the seal of all before the last dot: see [clients.Identity.Seal]. Names of
// clients and credentials have no slash in them, so that the claims split in one way.
type standIn struct {
	client, credential string
	kind               bearer.Kind
	end                time.Time
	app                string // its id
}

const (
	scheme = "ot1."

	// A new one lives for longest, and takes the place of the one before when that has shortest left, as the
	// issuer does it with tokens: an SDK that asks again gets the same one, and none that it would not keep.
	longest  = 2 * time.Hour
	shortest = 30 * time.Minute

	// leeway is for services whose clocks differ, and for an SDK that uses one to its last second.
	leeway = 5 * time.Minute
)

// newStandIn is the one that the client gets now: the same from every service of the fleet. The moments of
// change differ by client, lest all come at once.
func newStandIn(client, credential, app string, kind bearer.Kind, now time.Time) standIn {
	const period = int64((longest - shortest) / time.Second)
	shift := fnv.New32a()
	_, _ = shift.Write([]byte(client + "/" + credential))
	offset := int64(shift.Sum32()) % period
	change := (now.Unix()+offset)/period*period + period - offset
	return standIn{client, credential, kind, time.Unix(change, 0).Add(shortest), app}
}

// left is what an SDK is told, in whole seconds.
func (s standIn) left(now time.Time) int64 { return int64(s.end.Sub(now) / time.Second) }

// write is not ok of a client that was found by no secret.
func (s standIn) write(who clients.Identity) (text string, ok bool) {
	claims := strings.Join([]string{s.client, s.credential, s.kind.String(), strconv.FormatInt(s.end.Unix(), 10), s.app}, "/")
	text = scheme + base64.RawURLEncoding.EncodeToString([]byte(claims))
	seal, ok := who.Seal(text)
	return text + "." + base64.RawURLEncoding.EncodeToString(seal), ok
}

func isStandIn(text string) bool { return strings.HasPrefix(text, scheme) }

// longestStandIn is more than any has: two names of 63 characters, an app's id of 128, the rest, and a seal, in base64.
const longestStandIn = 1024

// readStandIn checks seal and time, and leaves to the caller what the client may do. If the seal alone is good, who says
// whose it is.
func readStandIn(text string, table *clients.Table, now time.Time) (s standIn, who clients.Identity, ok bool) {
	signed, encoded, whole := cutLast(text)
	if !whole || len(text) > longestStandIn {
		return standIn{}, clients.Identity{}, false
	}
	s, ok = readClaims(strings.TrimPrefix(signed, scheme))
	seal, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil {
		return standIn{}, clients.Identity{}, false
	}
	who, ok = table.BySeal(s.client, signed, seal)
	return s, who, ok && s.isInTime(now)
}

// isInTime is false also of one that ends later than any: some clock is wrong, and would make it live on.
func (s standIn) isInTime(now time.Time) bool {
	return now.Before(s.end.Add(leeway)) && !s.end.After(now.Add(longest+leeway))
}

func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, '.')
	if i < len(scheme) {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

func readClaims(encoded string) (s standIn, ok bool) {
	claims, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	parts := strings.SplitN(string(claims), "/", 5)
	if err != nil || len(parts) != 5 {
		return standIn{}, false
	}
	end, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return standIn{}, false
	}
	s = standIn{client: parts[0], credential: parts[1], kind: bearer.Tenant, end: time.Unix(end, 0), app: parts[4]}
	if parts[2] == bearer.App.String() {
		s.kind = bearer.App
	}
	return s, parts[2] == s.kind.String()
}
