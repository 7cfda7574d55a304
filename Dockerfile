# syntax=docker/dockerfile:1

# It compiles for the platform that is asked for on the one that is there.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY tools/licenses/go.mod tools/licenses/go.sum tools/licenses/
RUN go mod download && go -C tools/licenses mod download
COPY . .
RUN go -C tools/licenses run . -C /src -o /licenses/THIRD-PARTY-NOTICES ./cmd/reporting \
 && cp LICENSE /licenses/
ARG VERSION=development COMMIT=unknown DATE= TARGETOS TARGETARCH
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT} -X main.date=${DATE}" \
      -o /reporting ./cmd/reporting

# Nothing but the program, the licences it is passed on under and the authorities it
# trusts: no shell, no package manager, nothing to write to. Run it with a read-only root.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /licenses /licenses
COPY --from=build /reporting /reporting
USER 65532:65532
EXPOSE 8080 9090
# Alive, not ready: whatever restarts unhealthy containers must not do so because
# the database is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/reporting", "healthcheck", "--live"]
ENTRYPOINT ["/reporting"]
CMD ["serve"]
