package service

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/vault"
)

// Why a client got no token stands in the log, once a minute, as it does for calls at the gateway.
func TestTheLogSaysWhyThereWasNoToken(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.keep([]vault.Credential{(&app{secret: "s"}).named("crm")})
		none := door.Use{Client: "billing", Credential: "crm", Action: door.Get, Status: 503, Error: "temporarily_unavailable", Cause: errors.New("redis timeout")}
		for range 3 {
			s.audit(none)
		}
		assert.Equal(t, 1, strings.Count(s.log.String(), "a use of a credential failed"))
		assert.Contains(t, s.log.String(), `credential=crm client=billing door=tokens reason=temporarily_unavailable err="redis timeout"`)
		assert.NotContains(t, s.log.String(), "refused")
		s.audit(door.Use{Client: "billing", Credential: "crm", Action: door.Get, Status: 403, Error: "access_denied"})
		assert.Contains(t, s.log.String(), "refused use of a credential")
		_, metrics := s.get("/metrics")
		assert.Contains(t, metrics, `onetoken_door_requests_total{code="503",credential="crm",door="tokens"} 3`)
		assert.NotContains(t, metrics, `reason="temporarily_unavailable"`, "nobody was refused")
		requests, refused := s.tally.door("tokens")
		assert.Equal(t, [2]uint64{4, 1}, [2]uint64{requests, refused})
	})
}
