# A small image with one static binary in it, which runs as nobody in particular.
#
#   docker build -t damso .
#   docker run -p 3000:3000 damso

FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc* ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /src/internal/page/dist internal/page/dist
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=$VERSION" -o /damso ./cmd/damso

# Alpine rather than nothing at all, for the health check's wget and for the
# certificates that REDIS_TLS needs.
FROM alpine:3.22
RUN apk add --no-cache ca-certificates
COPY --from=build /damso /usr/local/bin/damso
USER 65532:65532
ENV NODE_PORT=3000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD wget -qO /dev/null "http://127.0.0.1:$NODE_PORT/healthz"
ENTRYPOINT ["damso"]
CMD ["serve"]
