package main

import (
	"context"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/doctor"
	"github.com/onetoken-go/onetoken/internal/service"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// doctorFileHelp is the part of the doctor's help about --config.
const doctorFileHelp = "With --config FILE it is a service's file that is checked, with all that it\n" +
	"names, and the fleet; no issuer is asked for a token without --ask:\n\n" +
	"  files          who else on this host can read the secrets\n" +
	"  issuer         each, as above\n" +
	"  credential     each: its token in Redis, who fetched it, what keeps it from a\n" +
	"                 newer one\n" +
	"  listener       each: a service answers there, or one could listen\n" +
	"  certificate    of each listener: how long it lives, whom it names\n" +
	"  client         each: how it shows who it is, and when it was seen last\n" +
	"  service        that of the file's status.listen and each --service: how it\n" +
	"                 does, and whether it has these credentials\n" +
	"  versions       of these services\n" +
	"  refreshers     who fetched the tokens that are stored\n" +
	"  clocks         of Redis, each issuer and each service, beside this host's"

// doctorFlags are those of the command.
type doctorFlags struct {
	json, ask bool
	config    string
	services  []string
	files     serviceFiles
}

func (a *app) doctorOfFile(ctx context.Context, f doctorFlags) error {
	end := time.Now().Add(doctor.Time)
	c := doctor.FileConfig{
		Path: f.config, Ask: f.ask, Version: versionText(), Out: a.stdout, JSON: f.json,
		Say: func(line string) { say(a.stderr, line) },
	}
	for _, url := range f.services {
		service, err := f.files.service(url)
		if err != nil {
			return err
		}
		c.Services = append(c.Services, service)
	}
	reading, stop := context.WithTimeout(ctx, readTime)
	file, err := config.Read(reading, f.config, a.getenv)
	stop()
	if err != nil {
		c.Complaints = a.configError(ctx, err)
		return doctor.ExamineFile(ctx, end, c)
	}
	c.File, c.Redis = file, service.NewRedis(file.Redis)
	defer c.Redis.Close() //nolint:errcheck // nothing is left to lose
	at := redisTarget{single: file.Redis.Target.Single, cluster: file.Redis.Target.Cluster, sentinel: file.Redis.Target.Sentinel}
	c.Place, c.Unverified = at.place(), at.unverified()
	if file.Redis.TLS != nil {
		c.Place = strings.Replace(c.Place, "without TLS", "with TLS", 1)
	}
	c.Cache = tokencache.Config{Prefix: file.Redis.Prefix, Logger: newLogger(a.stderr, "error", a.logFormat.value), Observe: witness.New(a.logger).Log}
	return doctor.ExamineFile(ctx, end, c)
}
