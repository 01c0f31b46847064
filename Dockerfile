# One static binary on nothing. Build: docker build --build-arg VERSION=1.2.3 -t regwatch .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/regwatch ./cmd/regwatch
# What scratch lacks: a place for temporary files, and a data directory that a
# new volume takes its owner from.
RUN mkdir -p /out/tmp /out/var/lib/regwatch && chmod 1777 /out/tmp && chown -R 65532:65532 /out/var/lib/regwatch

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ /
ENV REGWATCH_DATA=/var/lib/regwatch
VOLUME /var/lib/regwatch
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["/regwatch", "healthcheck"]
ENTRYPOINT ["/regwatch"]
CMD ["run"]
