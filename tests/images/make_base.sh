#!/bin/sh
# The base image of the Docker tests, made from Debian's packages where no registry can be reached.
set -eu
image=${1:-sagemaker-transform-emulator-test/python:bookworm}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3 bookworm "$folder" >&2
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
tar -C "$folder" -c . | docker import --change 'ENV LANG=C.UTF-8' - "$image"
