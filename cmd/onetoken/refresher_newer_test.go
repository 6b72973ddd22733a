package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

// A secret is refused where a person has to act, as the metric says: also if the quota is used up.
func TestStateOfANewerSecret(t *testing.T) {
	t.Parallel()
	for class, want := range map[tokencache.Class]string{
		tokencache.ClassPermanent: newerRefused, tokencache.ClassQuota: newerRefused,
		tokencache.ClassTransient: newerFailing, tokencache.ClassRateLimited: newerFailing, tokencache.ClassUnknown: newerFailing,
	} {
		assert.Equal(t, want, stateOf(&tokencache.IssuerError{Class: class}), class)
	}
	assert.Equal(t, newerFailing, stateOf(errors.New("redis is down")))
}
