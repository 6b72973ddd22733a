package doctor

import (
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/standing"
)

// doorsOf a section, by the names that a report has for them.
var doorsOf = map[string][]string{
	config.DoorTokens: {config.DoorTokens, config.DoorSocket}, config.DoorGateway: {config.DoorGateway},
}

// clients are those of both doors.
func (x *fileExam) clients() {
	for _, c := range x.File.Tokens.Clients {
		x.chart.addOf(c.Name+" of "+config.DoorTokens, x.client(c, config.DoorTokens))
	}
	for _, c := range x.File.Gateway.Clients {
		x.chart.addOf(c.Name+" of "+config.DoorGateway, x.client(c, config.DoorGateway))
	}
}

// client is how it shows who it is, what for, and when it was seen.
func (x *fileExam) client(c config.Client, door string) finding {
	f := finding{Name: "client", Status: checkOK, Found: strings.Join(x.shows(c), " and ") + ", for " + standing.Some(c.Credentials)}
	if x.own != nil {
		f.Found += ", " + x.lastSeen(c.Name, door)
	}
	if !c.Previous.IsZero() {
		f = f.warn("its previous secret is taken as well", "leave that out of the file once every program has the new one")
	}
	if x.allDisabled(c.Credentials) {
		f = f.warn("there is nothing that it could use", "grant it a credential that is not disabled, or leave it out")
	}
	if c.UID != nil {
		if _, err := user.LookupId(strconv.FormatUint(uint64(*c.UID), 10)); err != nil {
			f = f.warn("no user of this host has its uid", "see id -u NAME")
		}
	}
	return f
}

// shows are the ways in which it shows who it is.
func (x *fileExam) shows(c config.Client) (ways []string) {
	if !c.Secret.IsZero() {
		ways = append(ways, "by secret")
	}
	if len(c.SANs) > 0 {
		ways = append(ways, "by certificate")
	}
	if c.UID != nil {
		ways = append(ways, "by uid "+strconv.FormatUint(uint64(*c.UID), 10))
	}
	return ways
}

func (x *fileExam) allDisabled(names []string) bool {
	return !slices.ContainsFunc(x.File.Credentials, func(c config.Credential) bool { return !c.Disabled && slices.Contains(names, c.Name) })
}

// lastSeen is by the service of the file.
func (x *fileExam) lastSeen(client, door string) string {
	var last time.Time
	for _, credential := range x.own.report.Credentials {
		for _, c := range credential.Clients {
			if c.Name == client && slices.Contains(doorsOf[door], c.Door) && c.LastSeen.After(last) {
				last = c.LastSeen
			}
		}
	}
	if last.IsZero() {
		return "not seen since the service started " + rounded(x.own.age()) + " ago"
	}
	return "seen " + rounded(max(0, x.own.report.Now.Sub(last)).Truncate(time.Second)) + " ago"
}
