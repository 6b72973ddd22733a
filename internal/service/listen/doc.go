// Package listen is everything between the kernel and an [http.Handler]: addresses, Unix sockets,
// TLS, limits and the graceful end. The status page, the token door and a gateway each open one
// [Listener], so that none of them has a limit of its own to forget.
//
//	door, err := listen.Open(ctx, listen.Config{Address: "127.0.0.1:8081", Logger: logger})
//	if err != nil {
//		return err // says what to do
//	}
//	return door.Serve(ctx, handler) // until ctx ends
//
// # Reading order
//
// config.go has what can be set. listener.go opens, serves and shuts down. tcp.go and socket.go
// open what is listened on; address.go says what is wrong with it. connections.go bounds how many
// clients there are, and closing.go ends them. guard.go bounds what a request may be, and stall.go how
// long its client may stand still: watch.go has the clock, stall_stream.go the body and the response.
// tls.go holds the certificates and replaces them. log.go sorts what net/http has to say.
//
// # Promised
//
//   - Open either listens or says why not and what to do. Connections wait until Serve is called.
//   - A Unix socket never takes a connection that its mode does not allow. What a dead process left
//     there is replaced; a socket on which somebody listens, and what is no socket, is left alone.
//     Closing removes the socket only if it is still the one that was opened.
//   - Requests that began before ctx ended get their time to finish: Grace in all. Serve returns
//     after that at the latest, and says if requests were cut off. A hijacked connection is a request
//     under way until its handler returns; at the end of Grace it is closed.
//   - No client takes more than its headers, its body and its time. Clients that only hold
//     connections do not lock others out: beyond MaxConnections those go that have waited longest.
//     Hijacked ones are counted among them until their handlers return.
//   - With a StallTimeout in place of a ReadTimeout and a WriteTimeout, requests may go on for hours, and no
//     client may stand still for longer than that (in HTTP/1.1 twice that, where the handler answers
//     without having read the body). Silence of the handler is not the client's standstill.
//   - Certificates are replaced without closing a connection under a request. From the next
//     request on, a client certificate counts only if the present CAs vouch for it, on old
//     connections too; and no session is resumed, so that each new one is verified.
//   - Neither panics nor net/http's complaints bring a header, a path or a body into the log.
//
// # Not promised
//
//   - A rate per client, and who a client is: that is the handler's. It finds the uid of a client on
//     a Unix socket by [peer.PeerOf], and a certificate in Request.TLS.
//   - That a hijacked connection is closed when its handler returns, counted afterwards, or watched: the
//     handler that hijacks has to do that.
//   - That a client sees no reset when the service ends: it may send into a connection that is just
//     being closed for being idle, or one still in the kernel's queue. It has to try again, elsewhere.
package listen
