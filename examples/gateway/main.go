// Command gateway shows a bot on an official SDK that calls Feishu's APIs, and has neither the app's secret nor a
// token. Copy onetoken.yaml and bot.mjs; this program starts them. Its README.md says how to go on.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/examples/internal/refresher"
	"github.com/onetoken-go/onetoken/examples/internal/script"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/redisurl"
)

//go:embed onetoken.yaml
var config string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := embedded.Feishu(os.Getenv, func(getenv func(string) string) error {
		return run(ctx, getenv, os.Stdout, func(ctx context.Context, at refresher.Place) error {
			fmt.Printf("The gateway is up at %s: run this command again, or end it by Ctrl-C.\n", at.URL["gateway"])
			<-ctx.Done()
			return nil
		})
	})
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// run starts the service, runs the bot, and calls then while the service is still up. Tests have it listen elsewhere,
// by pairs of an address in the file and another.
func run(ctx context.Context, getenv func(string) string, out io.Writer, then func(context.Context, refresher.Place) error, listen ...string) error {
	s := refresher.Service{
		Config: config,
		Here: append(listen,
			"cli_a1b2c3d4e5f6g7h8", getenv("FEISHU_APP_ID"),
			"https://open.feishu.cn", cmp.Or(getenv("FEISHU_BASE_URL"), fetcher.FeishuURL)),
		Secrets: map[string]string{
			"redis": cmp.Or(getenv("REDIS_URL"), redisurl.Local), "crm": getenv("FEISHU_APP_SECRET"),
			"bot": rand.Text(),
		},
		Doors: []string{"gateway"},
	}
	return s.Run(ctx, func(ctx context.Context, at refresher.Place) error {
		bot := script.Script{
			Interpreter: "node", File: "examples/gateway/bot.mjs",
			Env: []string{
				"BASE_URL=" + at.URL["gateway"], "APP_ID=" + getenv("FEISHU_APP_ID"),
				"APP_SECRET_FILE=" + filepath.Join(at.Folder, "secrets", "bot"),
			},
			Needs: "node_modules", Install: "npm ci --ignore-scripts in examples/gateway",
		}
		if err := bot.Run(ctx, out); err != nil {
			return err
		}
		return then(ctx, at)
	})
}
