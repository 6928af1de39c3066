# Build:  docker build -t dropday .          (for another machine: --platform linux/arm64)
# Run:    see compose.yaml, or "In Docker" in README.md.

# On the machine that builds, for the machine that runs: nothing is emulated.
FROM --platform=$BUILDPLATFORM rust:1.95-slim-bookworm AS build
ARG TARGETARCH
ENV TARGETARCH=$TARGETARCH
WORKDIR /src
COPY packaging/docker/stage /usr/local/bin/stage
RUN stage compiler

# How much is optimised: as Cargo.toml says, unless build arguments say less (off, 16, 0), for a build in less time.
ARG CARGO_PROFILE_RELEASE_LTO
ARG CARGO_PROFILE_RELEASE_CODEGEN_UNITS
ARG CARGO_PROFILE_RELEASE_OPT_LEVEL

# The dependencies alone, against empty sources: this layer stays until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && stage build

# Dropday itself. The touch makes cargo see that these sources are newer than the empty ones.
COPY . .
RUN touch src/main.rs src/lib.rs \
    && stage build \
    && stage root /image

# No shell, no package manager: the program, four libraries, trusted root certificates, licence notices.
FROM scratch
COPY --from=build /image /

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data

# Inside the container every address is its own; which one the host shows is for -p to say. There is no
# /tmp, and none is needed: what is put aside for a moment lies beside the database.
ENV DROPDAY_DATABASE__PATH=/data/dropday.db \
    DROPDAY_WEB__LISTEN=0.0.0.0:8888 \
    TMPDIR=/data
EXPOSE 8888
# The start period covers an upgrade of a large database.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10m --retries=3 CMD ["/usr/bin/dropday", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/dropday"]
CMD ["serve"]
