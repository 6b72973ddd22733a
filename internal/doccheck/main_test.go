package doccheck_test

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/built"
	"github.com/onetoken-go/onetoken/internal/doccheck"
)

// root of the repository, from here.
const root = "../.."

// binary is onetoken.
var binary string

func TestMain(m *testing.M) { os.Exit(built.Run(m, root, &binary, "-trimpath")) }

// The checkout does not change while tests run.
var (
	open = sync.OnceValues(func() (*doccheck.Repository, error) { return doccheck.Open(root) })
	ask  = sync.OnceValues(func() (*doccheck.Usage, error) { return doccheck.Ask(binary) })
	read = sync.OnceValues(func() (*doccheck.Tools, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return r.Tools(root)
	})
)

func repository(t *testing.T) *doccheck.Repository {
	t.Helper()
	r, err := open()
	require.NoError(t, err)
	return r
}

func usage(t *testing.T) *doccheck.Usage {
	t.Helper()
	u, err := ask()
	require.NoError(t, err)
	return u
}

func tools(t *testing.T) *doccheck.Tools {
	t.Helper()
	tools, err := read()
	require.NoError(t, err)
	return tools
}
