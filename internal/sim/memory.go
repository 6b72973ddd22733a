package sim

import (
	"reflect"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/onetoken-go/onetoken/tokencache"
)

// A bubble has one clock, and all hosts have that. So a host whose monotonic clock has stood still
// is made the other way round: every reading of that clock which the product keeps is set ahead by
// as long. To whoever compares it with a reading of now that is the same. What a goroutine has in
// hand is not reached, and so seems as old as it is, which is what both clocks of a host that was
// not suspended say.
//
// The product knows nothing of this, and nobody else can do it: it reaches for the fields by their
// names, and a field that is not there any more ends the run.

// losesTime has the replica's monotonic clock have stood still for that long.
func (r *replica) losesTime(d time.Duration) {
	for _, s := range r.sources {
		engine := field(reflect.ValueOf(s).Elem(), "engine").Elem()
		state := field(engine, "state")
		locked(field(state, "mu"), func() {
			setAhead(field(reflect.ValueOf(s).Elem(), "copy"), d)
			setAhead(state, d)
		})
	}
	shared := field(reflect.ValueOf(r.cache).Elem(), "shared").Elem()
	breaker := field(shared, "breaker").Elem()
	locked(field(breaker, "mu"), func() { setAhead(breaker, d) })
}

// lookedAgo is how long ago the replica looked at Redis for that app.
func (r *replica) lookedAgo(a int) (d time.Duration) {
	engine := field(reflect.ValueOf(r.sources[a]).Elem(), "engine").Elem()
	state := field(engine, "state")
	locked(field(state, "mu"), func() {
		at := field(field(field(state, "shelf"), "anchor"), "at")
		if wall := field(at, "wall").Int(); wall != 0 {
			d = time.Duration(time.Now().UnixNano() - wall)
		}
	})
	return d
}

// field is one that may not be exported.
func field(v reflect.Value, name string) reflect.Value {
	f := v.FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func locked(mu reflect.Value, do func()) {
	m := mu.Addr().Interface().(*sync.Mutex)
	m.Lock()
	defer m.Unlock()
	do()
}

var product = reflect.TypeFor[tokencache.Cache]().PkgPath()

// setAhead sets all readings within v ahead, but not those behind pointers.
func setAhead(v reflect.Value, d time.Duration) {
	t := v.Type()
	switch {
	case t.PkgPath() == product && t.Name() == "instant":
		mono := field(v, "mono")
		if field(v, "wall").Int() != 0 { // else there was none
			mono.SetInt(mono.Int() + int64(d))
		}
	case t.PkgPath() == "sync/atomic" && strings.HasPrefix(t.Name(), "Pointer["):
		setCopyAhead(v, d)
	case t.Kind() == reflect.Map && t.Elem().PkgPath() == product:
		for _, key := range v.MapKeys() { // in any order: each by itself
			one := reflect.New(t.Elem()).Elem()
			one.Set(v.MapIndex(key))
			setAhead(one, d)
			v.SetMapIndex(key, one)
		}
	case t.Kind() == reflect.Struct && t.PkgPath() == product:
		for one := range t.Fields() {
			setAhead(field(v, one.Name), d)
		}
	}
}

// setCopyAhead replaces what others read meanwhile.
func setCopyAhead(v reflect.Value, d time.Duration) {
	old := v.Addr().MethodByName("Load").Call(nil)[0]
	if old.IsNil() || old.Type().Elem().PkgPath() != product {
		return
	}
	next := reflect.New(old.Type().Elem())
	next.Elem().Set(old.Elem())
	setAhead(next.Elem(), d)
	v.Addr().MethodByName("Store").Call([]reflect.Value{next})
}
