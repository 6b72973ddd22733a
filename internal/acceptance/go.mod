module github.com/onetoken-go/onetoken/internal/acceptance

go 1.26.0

replace github.com/onetoken-go/onetoken => ../..

require (
	github.com/onetoken-go/onetoken v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	golang.org/x/oauth2 v0.38.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
