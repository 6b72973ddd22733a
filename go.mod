module github.com/onetoken-go/onetoken

go 1.26
