#!/bin/sh
# usage: build_go_program.sh MODULE VERSION SUM PACKAGE OUT
#
# OUT is the program of PACKAGE (a folder of the module), OUT.LICENSE the module's licence. SUM is the
# module's checksum as go.sum writes it; the module's own go.sum vouches for what it depends on.
set -eu
module=$1 version=$2 sum=$3 package=$4 out=$5

found=$(go mod download -json "$module@$version") || {
    echo "$module@$version cannot be fetched: $found" >&2
    exit 1
}
field() { printf '%s\n' "$found" | sed -n "s/^.*\"$1\": \"\\(.*\\)\".*/\\1/p"; }
if [ "$(field Sum)" != "$sum" ]; then
    echo "$module@$version has the checksum $(field Sum), not the pinned $sum" >&2
    exit 1
fi

# a copy, because the module cache is read-only and a main module may be named by nobody else's go.mod
work=$(mktemp -d) log=$(mktemp)
trap 'chmod -R u+w "$work"; rm -rf "$work" "$log"' EXIT
cp -r "$(field Dir)/." "$work"
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
if ! (cd "$work" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false \
    -ldflags "-s -w ${GO_LDFLAGS:-}" -o "$out.new" "$package") > "$log" 2>&1; then
    tail -40 "$log" >&2
    exit 1
fi
mv "$out.new" "$out"
if [ -f "$work/LICENSE" ]; then install -m 644 "$work/LICENSE" "$out.LICENSE"; fi
