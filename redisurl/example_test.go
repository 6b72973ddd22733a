package redisurl_test

import (
	"cmp"
	"fmt"
	"os"

	"github.com/onetoken-go/onetoken/redisurl"
)

// A service reads the variable that the command reads.
func ExampleParse() {
	target, err := redisurl.Parse(cmp.Or(os.Getenv("A_VARIABLE_THAT_IS_NOT_SET"), redisurl.Local))
	if err != nil {
		panic(err)
	}
	rdb := target.NewClient()
	defer rdb.Close()
	fmt.Println(target.Single.Addr)

	_, err = redisurl.Parse("redis://:hunter2@redis.example:6379/0?timeout=1s")
	fmt.Println(fmt.Errorf("REDIS_URL %w", err)) // and not the password
	// Output:
	// 127.0.0.1:6379
	// REDIS_URL has a parameter that is not known: see the options of go-redis' ParseURL
}
