#!/bin/bash
# usage: minio_program.sh OUT
#
# OUT is MinIO's server program: from the project's image when that is up to date, else built with this
# machine's Go, else built in the image.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1

from_image() {
    local container
    container=$(docker create sagemaker-transform-emulator/minio)
    docker cp "$container:/usr/local/bin/minio" "$out.new" > /dev/null
    docker rm --volumes "$container" > /dev/null
    chmod +x "$out.new"
    mv "$out.new" "$out"
}

if python3 tools/images.py check minio > /dev/null 2>&1; then
    from_image
elif command -v go > /dev/null; then
    echo "building MinIO, which takes a few minutes once"
    tools/build_minio.sh "$out"
elif command -v docker > /dev/null; then
    python3 tools/images.py build minio
    from_image
else
    echo "MinIO is built from source: install Go or Docker, or set MINIO_BIN to a MinIO you have" >&2
    exit 1
fi
touch "$out"
