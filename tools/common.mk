# Variables of both Makefiles.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null)
IMAGE   ?= reporting
# The race detector needs cgo and a C compiler. Go turns cgo off when there is no compiler.
RACE    := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
