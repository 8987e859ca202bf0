# syntax=docker/dockerfile:1
# `docker build .` makes the production image: authd alone. `--target development` adds authdev, the development identity
# provider and health probe of docker-compose.yml; it never belongs into a deployment.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# What `authd version` and /health show: docker build --build-arg VERSION="$(git describe --always --dirty)" .
ARG VERSION=devel
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    GOCACHE=/cache CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w -X main.revision=$VERSION" -o /out/ ./cmd/authd ./cmd/authdev
RUN mkdir /out/data

# Nothing but the program and the certificates of the well-known authorities: no shell, no package manager, no root.
FROM scratch AS runtime
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/authd /authd
USER 65532:65532
EXPOSE 3008 9464
ENTRYPOINT ["/authd"]
CMD ["serve"]

FROM runtime AS development
COPY --from=build /out/authdev /authdev
# A named volume mounted here takes over the folder's owner.
COPY --from=build --chown=65532:65532 /out/data /data
EXPOSE 9099

FROM runtime AS production
