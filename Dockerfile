# Two stages: the first compiles, the second holds the binary and nothing else (no shell, not root).
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY examples examples
COPY migrations migrations
COPY src src
RUN cargo build --release --locked --bin epoca --example xtask \
 && target/release/examples/xtask sbom > /epoca.cdx.json \
 && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/epoca /usr/local/bin/epoca
COPY --from=build /epoca.cdx.json /epoca.cdx.json
COPY --from=build --chown=nonroot:nonroot /data /data
ENV EPOCA_LISTEN=0.0.0.0:8080 EPOCA_DATA_DIR=/data EPOCA_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/local/bin/epoca", "health"]
ENTRYPOINT ["/usr/local/bin/epoca"]
CMD ["serve"]
