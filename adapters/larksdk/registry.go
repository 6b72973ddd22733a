package larksdk

import "sync"

// registry has the apps of every New in this process, by id, and whether each of them is a store app.
// The SDK keeps its cache in a global of its package: the last lark.NewClient sets it for all
// clients. So every Cache knows the apps of the others, and gives their markers; each Client then
// puts its own apps' tokens in.
var registry sync.Map

func register(app App) { registry.Store(app.ID, app.ForTenant != nil) }

func isRegistered(app string) bool {
	_, ok := registry.Load(app)
	return ok
}

func isStoreApp(app string) bool {
	store, _ := registry.Load(app)
	return store == true
}
