package lock_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/lock"
)

// Two processes try for one lock. The second learns at once that it is taken: nobody waits or queues.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer rdb.Close()
	ctx := context.Background()

	mine, err := lock.New(rdb).TryAcquire(ctx, "job", 5*time.Second, time.Minute) // extended until then
	if err != nil {
		panic(err)
	}
	_, err = lock.New(rdb).TryAcquire(ctx, "job", 5*time.Second, time.Minute)
	fmt.Println("taken:", errors.Is(err, lock.ErrHeld))

	select {
	case <-mine.Lost():
		fmt.Println("lost")
	default:
		fmt.Println("held")
	}
	fmt.Println(mine.Release(ctx), server.Exists("job"))
	// Output:
	// taken: true
	// held
	// <nil> false
}
