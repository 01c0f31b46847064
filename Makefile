# What is worth typing often. `.ci/run` is what decides.
.PHONY: build demo test race lint ci long

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o regwatch ./cmd/regwatch

demo:
	go run ./cmd/regwatch demo

test:
	go test ./...

race:
	CGO_ENABLED=1 go test -race ./...

lint:
	cd .ci/lint && go build -o ../../.bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	.bin/golangci-lint run ./...

ci:
	.ci/run

long:
	.ci/long
