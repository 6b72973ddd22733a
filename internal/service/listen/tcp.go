package listen

import (
	"context"
	"net"
)

func openTCP(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, explainTCP(address, err)
	}
	return listener, nil
}
