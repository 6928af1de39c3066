# Build:  docker build -t dropday .
# Run:    docker run -d --name dropday -p 127.0.0.1:8888:8888 -v dropday:/data \
#             -e DROPDAY_SPOTIFY__CLIENT_ID=… -e DROPDAY_MAIL__SMTP_URL=… -e DROPDAY_MAIL__FROM=… dropday

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src

# The dependencies alone, against empty sources: this layer stays until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked --bin dropday

# Dropday itself. The touch makes cargo see that these sources are newer than the empty ones.
COPY . .
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin dropday \
    && install -d -m 0700 /data

FROM debian:bookworm-slim
# The roots that TLS connections to Spotify and to the mail server are checked against.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /src/target/release/dropday /usr/bin/dropday
COPY --from=build --chown=10001:10001 /data /data

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data

# Inside the container every address is its own; which one the host shows is for -p to say.
ENV DROPDAY_DATABASE__PATH=/data/dropday.db \
    DROPDAY_WEB__LISTEN=0.0.0.0:8888
EXPOSE 8888
STOPSIGNAL SIGTERM
ENTRYPOINT ["dropday"]
CMD ["serve"]
