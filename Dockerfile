# The image of maintenance-bridge: Node.js and one file, no shell and no package manager. docs/image.md says how to build it.
#
# Base images are pinned by digest where one is given, as a release does. Each digest is that of the multi-platform index.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-trixie-slim
ARG NODE_DIGEST=
ARG BASE_IMAGE=gcr.io/distroless/cc-debian13:nonroot
ARG BASE_DIGEST=

# The bundle is the same for every platform, so it is built once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE}${NODE_DIGEST:+@${NODE_DIGEST}} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Scripts of packages would install a second Node.js; the bundler needs none.
RUN npm ci --ignore-scripts
COPY LICENSE tsconfig.json ./
COPY scripts/build.ts scripts/notices.ts ./scripts/
COPY src ./src
ARG MAINTENANCE_BRIDGE_BUILD_COMMIT=
RUN node scripts/build.ts

# Nothing runs in this stage, so that a builder needs no emulation of the other platforms.
FROM ${NODE_IMAGE}${NODE_DIGEST:+@${NODE_DIGEST}} AS runtime

# glibc, libstdc++, certificates, a user 65532 and /tmp.
FROM ${BASE_IMAGE}${BASE_DIGEST:+@${BASE_DIGEST}}
ARG VERSION=
ARG MAINTENANCE_BRIDGE_BUILD_COMMIT=
ARG BASE_IMAGE
ARG BASE_DIGEST
LABEL org.opencontainers.image.title="maintenance-bridge" \
      org.opencontainers.image.description="Bridges node and machine maintenance on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${MAINTENANCE_BRIDGE_BUILD_COMMIT}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}"
COPY --from=runtime /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/LICENSE /src/dist/THIRD-PARTY-NOTICES.txt /app/
COPY --from=build /src/dist/maintenance-bridge.cjs /app/maintenance-bridge.cjs
WORKDIR /app
# Freed memory goes back to the system: one arena instead of one for each thread, trimmed from 128 KiB on.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/node", "--optimize-for-size", "--max-semi-space-size=1", "--max-old-space-size-percentage=50", "/app/maintenance-bridge.cjs"]
CMD ["run"]
