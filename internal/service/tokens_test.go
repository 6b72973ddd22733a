package service

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/vault"
)

// Why a client got no token stands in the log, once a minute, as it does for calls at the gateway.
func TestTheLogSaysWhyThereWasNoToken(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.keep([]vault.Credential{(&app{secret: "s"}).named("crm")})
		none := door.Use{Client: "billing", Credential: "crm", Action: door.Get, Status: 503, Error: "temporarily_unavailable", Cause: errors.New("redis timeout")}
		for range 3 {
			s.audit(config.DoorTokens, none)
		}
		assert.Equal(t, 1, strings.Count(s.log.String(), "a use of a credential failed"))
		assert.Contains(t, s.log.String(), `credential=crm client=billing door=tokens reason=temporarily_unavailable err="redis timeout"`)
		assert.NotContains(t, s.log.String(), "refused")
		s.audit(config.DoorTokens, door.Use{Client: "billing", Credential: "crm", Action: door.Get, Status: 403, Error: "access_denied"})
		assert.Contains(t, s.log.String(), "refused use of a credential")
		_, metrics := s.get("/metrics")
		assert.Contains(t, metrics, `onetoken_door_requests_total{code="503",credential="crm",door="tokens"} 3`)
		assert.NotContains(t, metrics, `reason="temporarily_unavailable"`, "nobody was refused")
		requests, refused := s.tally.door("tokens")
		assert.Equal(t, [2]uint64{4, 1}, [2]uint64{requests, refused})
	})
}

// A request is counted at the door that it came by, however its client has shown who it is, and if it has not.
func TestRequestsAreCountedAtTheDoorThatTheyCameBy(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		port, err := w.tokenDoor(config.DoorTokens)
		require.NoError(t, err)
		socket, err := w.tokenDoor(config.DoorSocket)
		require.NoError(t, err)
		ask := func(door http.Handler, secret string) int {
			r := httptest.NewRequest(http.MethodGet, "http://localhost/v1/tokens/crm", nil)
			r.Header.Set("Authorization", "Bearer "+secret)
			out := httptest.NewRecorder()
			door.ServeHTTP(out, r)
			return out.Code
		}
		assert.Equal(t, 503, ask(socket, "secret-of-billing-1"), "there is no token")
		assert.Equal(t, 401, ask(socket, "another"))
		assert.Equal(t, 401, ask(port, "another"))
		for door, want := range map[string][2]uint64{config.DoorSocket: {2, 1}, config.DoorTokens: {1, 1}, config.DoorGateway: {}} {
			requests, refused := w.tally.door(door)
			assert.Equal(t, want, [2]uint64{requests, refused}, door)
		}
		_, text := w.get("/metrics")
		assert.Contains(t, text, `onetoken_door_requests_total{code="503",credential="crm",door="socket"} 1`)
		assert.Contains(t, text, `onetoken_door_refusals_total{credential="",door="socket",reason="invalid_client"} 1`)
		assert.Contains(t, text, `onetoken_door_refusals_total{credential="",door="tokens",reason="invalid_client"} 1`)
	})
}
