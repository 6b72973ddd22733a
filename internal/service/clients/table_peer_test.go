package clients_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/peer"
)

func TestByPeer(t *testing.T) {
	uid := uint32(1000)
	clientsOf := table(t, billing(func(c *clients.Client) { c.UID = &uid }), reports())
	who, ok := clientsOf.ByPeer(peer.WithPeer(t.Context(), 1000))
	assert.True(t, ok)
	assert.Equal(t, "billing", who.Name())
	assert.Equal(t, clients.UID, who.Way())

	_, ok = clientsOf.ByPeer(peer.WithPeer(t.Context(), 1001))
	assert.False(t, ok)
	_, ok = clientsOf.ByPeer(t.Context())
	assert.False(t, ok)
}

// Nobody is root for not being known.
func TestNoPeerIsNotRoot(t *testing.T) {
	clientsOf := table(t, billing(func(c *clients.Client) { c.UID = new(uint32) }))
	_, ok := clientsOf.ByPeer(t.Context())
	assert.False(t, ok)
	uid, ok := peer.PeerOf(t.Context())
	assert.False(t, ok)
	assert.Zero(t, uid)
	_, ok = clientsOf.ByPeer(peer.WithPeer(t.Context(), 0))
	assert.True(t, ok)
}
