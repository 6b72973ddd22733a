// Package service is `onetoken refresher --config FILE`: it keeps the tokens of many credentials fresh,
// and hands them to programs in any language. All doors open into the same Sources. docs/service.md says
// what users have of it. Reading order:
//
//  1. config: the file.
//  2. service.go: what is started, and ends; convert.go: the file's words as the other packages want them.
//  3. vault: the credentials by name, by way of watch. reload.go: when the file is read again, and what is
//     taken of it.
//  4. clients: who may ask. door: what they are told; tokens.go: the vault as the door wants it, and who
//     used what (uses.go). gateway, gateway.go: the same for SDKs. absence: why there is no token, for both. listen,
//     peer: what lies between the kernel and a door; doors.go: which stands where.
//  5. redis_access.go: how Redis is spoken to; redis_watch.go: whether it takes part.
//  6. health.go, api.go, metrics.go: what people and monitors see, from survey.go, held.go, trouble.go, timeline.go,
//     uses.go, tally.go and redis_watch.go. page: the same for people; view.go: the report as it wants it. pulse:
//     whether the cache stands still; sdnotify, watchdog.go: what the service manager is told.
//
// For those who look from outside, remote asks a service for its report, and stored asks Redis about the credentials
// of a file.
package service
