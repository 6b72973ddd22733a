package larksdk

import "sync"

// registry is the set of the apps of every New in this process, by id. The SDK keeps its cache in a
// global of its package: the last lark.NewClient sets it for all clients. So every Cache knows the
// apps of the others, and gives their markers; each Client then puts its own apps' tokens in, by its
// own Config.Apps.
var registry sync.Map

func register(app string) { registry.Store(app, struct{}{}) }

func isRegistered(app string) bool {
	_, ok := registry.Load(app)
	return ok
}
