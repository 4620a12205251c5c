# The image of Contour: one static program, and nothing else.
#
#   docker build -t contour .
#
# Manifests start it as `contour serve`, `contour bootstrap` and so on, so it is on the PATH.

FROM rust:1.95 AS build
WORKDIR /src
RUN apt-get update && apt-get install --yes --no-install-recommends iproute2 make \
    && rm -rf /var/lib/apt/lists/*
COPY . .
# What `contour version` and the metric contour_build_info say.
ARG CONTOUR_BUILD_BRANCH CONTOUR_BUILD_REVISION CONTOUR_BUILD_VERSION
RUN cargo xtask dist --no-verdict

FROM scratch
COPY --from=build /src/target/dist/contour /bin/contour
ENV PATH=/bin
USER 65534:65534
ENTRYPOINT ["/bin/contour"]
