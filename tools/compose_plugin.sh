#!/bin/bash
# usage: compose_plugin.sh
#
# `docker compose` works: where the plugin is missing it is built, once, with this machine's Go or with
# that of the image GOLANG_IMAGE.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.40.3
sum=h1:XeYkQu1svDtyfZPv5nTwFryQ25ZJMkIlc4pz9HalMPI=

if docker compose version > /dev/null 2>&1; then
    exit 0
fi
cache=$HOME/.cache/sagemaker-transform-emulator/compose-$version
plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
what=(github.com/docker/compose/v2 "$version" "$sum" ./cmd)
flags="-X github.com/docker/compose/v2/internal.Version=$version"
if [ -x "$cache" ]; then
    :
elif tools/have_go.sh; then
    GO_LDFLAGS=$flags tools/build_go_program.sh "${what[@]}" "$cache"
else
    image=$(sed -n 's/^GOLANG_IMAGE=//p' .env 2> /dev/null || true)
    container=$(docker create --env GO_LDFLAGS="$flags" "${GOLANG_IMAGE:-${image:-golang:1.26-bookworm}}" \
        sh /build_go_program.sh "${what[@]}" /out/compose)
    trap 'docker rm --force --volumes "$container" > /dev/null' EXIT
    docker cp tools/build_go_program.sh "$container:/"
    docker start --attach "$container"
    mkdir -p "$(dirname "$cache")"
    docker cp "$container:/out/compose" "$cache.new"
    mv "$cache.new" "$cache"
fi
mkdir -p "$plugins"
ln -sf "$cache" "$plugins/docker-compose"
docker compose version
