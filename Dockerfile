# The image: one static program and nothing else. No shell, no libc, no package manager.
#
#   docker build -t toy2mqtt .
#
# Each architecture (amd64, arm64) is built on a machine of its own kind, or emulated.
ARG RUST_VERSION=1.95

FROM docker.io/library/rust:${RUST_VERSION}-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN scripts/static.sh /out

FROM scratch
COPY --from=build --chown=65532:65532 /out/ /
USER 65532:65532
ENV TOY2MQTT_DATA_DIR=/data
VOLUME /data
# Nobody is to be left running when the container goes: the bridge needs 3 seconds at most.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
    CMD ["/toy2mqtt", "healthcheck"]
ENTRYPOINT ["/toy2mqtt"]
CMD ["run"]
LABEL org.opencontainers.image.title="toy2mqtt" \
      org.opencontainers.image.description="Toys as devices of Home Assistant, over MQTT" \
      org.opencontainers.image.source="https://github.com/toy2mqtt/toy2mqtt" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
