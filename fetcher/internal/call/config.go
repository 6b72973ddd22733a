package call

import (
	"fmt"
	"net/http"
	"reflect"
)

// CheckTransport complains of a config's Transport that is a nil pointer.
func CheckTransport(t http.RoundTripper) error {
	if v := reflect.ValueOf(t); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("Transport is a nil %T: leave it out, or make one", t)
	}
	return nil
}
