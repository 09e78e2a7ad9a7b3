#!/bin/bash
# usage: compose_plugin.sh
#
# `docker compose` works: where the plugin is missing it is built with this machine's Go, once.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.40.3
sum=h1:XeYkQu1svDtyfZPv5nTwFryQ25ZJMkIlc4pz9HalMPI=

if docker compose version > /dev/null 2>&1; then
    exit 0
fi
cache=$HOME/.cache/sagemaker-transform-emulator/compose-$version
plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
if [ ! -x "$cache" ]; then
    GO_LDFLAGS="-X github.com/docker/compose/v2/internal.Version=$version" \
        tools/build_go_program.sh github.com/docker/compose/v2 "$version" "$sum" ./cmd "$cache"
fi
mkdir -p "$plugins"
ln -sf "$cache" "$plugins/docker-compose"
docker compose version
