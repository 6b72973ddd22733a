package main

import (
	"context"
	"time"

	"github.com/onetoken-go/onetoken/internal/glance"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// look implements lookout: all credentials under the environment's prefix.
func (s *session) look(ctx context.Context, _ bool) (sighting, error) {
	all, err := s.survey(ctx)
	if err != nil {
		return sighting{}, err
	}
	b := glance.Board{Where: s.where(), Now: time.Now()}
	for _, st := range all {
		c := glance.OfStored(nameOf(st, all), st, 0, s.explain)
		c.Ours = st.ID == s.key()
		b.Credentials = append(b.Credentials, c)
	}
	return sighting{board: b, json: statusjson.Line(all)}, nil
}

// blind implements lookout.
func (s *session) blind(err error) (glance.Board, string) {
	why := s.env.words(err)
	return glance.Board{Where: s.where(), Now: time.Now(), Stale: why}, why
}

func (s *session) where() string { return "credentials under the prefix " + s.app.prefix() }

func (s *session) explain(err error) (text, todo string) {
	setting := s.env.setting()
	text, todo = setting.Apart(err)
	return setting.Files.Named(text), setting.Files.Named(todo)
}

// nameOf is the app or client, with the beginning of its digest if there are others of it.
func nameOf(st tokencache.Status, all []tokencache.Status) string {
	if len(twinsOf(st, all)) > 0 {
		return st.App + " " + digestOf(st, enoughDigits)
	}
	return st.App
}
