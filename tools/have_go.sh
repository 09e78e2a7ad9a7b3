#!/bin/sh
# usage: have_go.sh
#
# Exit code 0 when there is a Go on PATH that fetches the toolchain a module asks for: 1.21 or later.
command -v go > /dev/null || exit 1
version=$(go env GOVERSION 2> /dev/null) || exit 1
minor=$(printf '%s\n' "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 21 ]
