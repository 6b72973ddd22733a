// Package oauth2source is an oauth2.TokenSource of golang.org/x/oauth2 that takes its tokens from a
// tokencache.Source, for clients of APIs that want one: google.golang.org/api, go-github and many
// others. The fleet asks the issuer once, and this process reads.
//
//	tokens := cache.Source(client) // of a tokencache.Cache
//	source, err := oauth2source.New(ctx, oauth2source.Config{Source: tokens})
//	if err != nil {
//		return err
//	}
//	httpClient := &http.Client{Transport: &oauth2.Transport{Source: source}}
//
// A module of its own, because nobody else needs golang.org/x/oauth2. Where nothing asks for a
// TokenSource, package fetcher/bearer is the better way to call an API: it waits no longer than the
// request's own context, sends the token to the hosts that you name and nobody else, and asks for
// another one when the API rejects it.
//
// # Do not cache again
//
// oauth2.NewClient, oauth2.Config.Client and oauth2.ReuseTokenSource keep a token until 10 s before its
// end. A tokencache.Source that has a copy answers from memory in tens of nanoseconds, so that this
// saves nothing; and it costs something. If the token is rejected before its end, as it was revoked, all
// requests of this client fail until then: nobody asks the Source again, although the fleet has another
// token long since. There are three ways out, the best one first:
//
//   - &oauth2.Transport{Source: source}, as above, in place of oauth2.NewClient: every request takes
//     what the Source has.
//   - [Config.Reuse], if a library wraps the TokenSource by itself: it then comes back after that long.
//   - A new client, and with it a new ReuseTokenSource, after each rejection.
//
// In any case somebody has to tell the fleet of a rejection: [TokenSource.Invalidate].
package oauth2source
