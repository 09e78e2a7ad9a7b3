#!/bin/bash
# usage: minio_program.sh OUT
#
# OUT is MinIO's server program: from the project's image when that is up to date, else built with this
# machine's Go, else built in the image. OUT.LICENSE is its licence, OUT.source what it was built from and
# for; tools/images.py takes the program into the image where both are this tree's and the engine's.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
image=sagemaker-transform-emulator/minio
source=$(python3 tools/images.py source)

from_image() {
    local container
    container=$(docker create "$image")
    docker cp "$container:/usr/local/bin/minio" "$out.new" > /dev/null
    docker cp "$container:/usr/share/doc/minio/LICENSE" "$out.LICENSE" > /dev/null
    docker rm --volumes "$container" > /dev/null
    chmod +x "$out.new"
    mv "$out.new" "$out"
}

# the image's program is for the engine's machine, which need not be this one's system
image_runs_here() {
    [ "$(uname -s)" = Linux ] && python3 tools/images.py check minio > /dev/null 2>&1
}

mkdir -p "$(dirname "$out")"
if [ -x "$out" ] && [ -f "$out.LICENSE" ] && [ "$(cat "$out.source" 2> /dev/null)" = "$source" ]; then
    exit 0
fi
rm -f "$out.source"
if image_runs_here; then
    from_image
elif tools/have_go.sh; then
    echo "building MinIO, which takes a few minutes once"
    tools/build_minio.sh "$out"
elif [ "$(uname -s)" = Linux ] && command -v docker > /dev/null; then
    python3 tools/images.py build minio
    from_image
else
    echo "MinIO is built from source: install Go 1.21 or later, or Docker, or set MINIO_BIN to a MinIO you have" >&2
    exit 1
fi
printf '%s\n' "$source" > "$out.source"
