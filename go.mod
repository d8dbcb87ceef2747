module github.com/skep-dev/skep

go 1.25.0
