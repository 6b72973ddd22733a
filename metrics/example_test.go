package metrics_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

func Example() {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer rdb.Close()

	m := metrics.New()
	cache, err := tokencache.New(rdb, tokencache.Config{Observe: m.Observe})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: "cli_example", AppSecret: tokencache.NewSecret("example-secret")})
	if err != nil {
		log.Fatal(err)
	}
	source := cache.Source(feishu)
	prometheus.MustRegister(m.Of(cache.Sources))
	http.Handle("/metrics", promhttp.Handler())

	_, ok := source.Peek()
	fmt.Println("ready:", ok)
	// Output: ready: false
}
