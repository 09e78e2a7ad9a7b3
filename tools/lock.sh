#!/bin/bash
# usage: lock.sh [--upgrade] IMAGE...
#
# The files in requirements/ say what pyproject.toml asks for, with versions and hashes, for every
# platform. All agree on the version of a package, because each is bound to those before it.
set -euo pipefail
cd "$(dirname "$0")/.."
upgrade=()
if [ "${1:-}" = --upgrade ]; then
    upgrade=(--upgrade)
    shift
fi

lock_file() {
    local file=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        "${upgrade[@]}" "$@" --output-file "$file"
    echo "$file: $(grep -c == "$file") packages"
}

lock() {
    local name=$1
    shift
    lock_file "requirements/$name.txt" "$@"
}

lock run pyproject.toml --extra all
lock dev pyproject.toml --extra all --group test --group models --group lint --group mutation --group lock --constraint requirements/run.txt
lock build --group build --constraint requirements/dev.txt
for image in "$@"; do
    asked=(--group "image-$image")
    # the emulator's image has the package itself, and starts serving containers as images only
    [ "$image" != emulator ] || asked=(pyproject.toml --extra docker --extra export --extra server)
    lock "image-$image" "${asked[@]}" --constraint requirements/run.txt
done
# sets that cannot live beside the others, in environments of their own
for file in requirements/*.in; do
    lock "$(basename "$file" .in)" "$file"
done
# the XGBoost versions of AWS's images, each laid over the environment that has all the rest
for file in containers/xgboost/libraries/*.in; do
    lock_file "${file%.in}.txt" "$file" --no-deps
done
