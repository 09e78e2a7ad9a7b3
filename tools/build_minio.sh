#!/bin/sh
# usage: build_minio.sh OUT
#
# OUT is MinIO's server program, built from its last source with the Go compiler on PATH.
set -eu
version=v0.0.0-20260212201848-7aac2a2c5b7c
sum=h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=

# the time and the commit in a pseudo-version, as MinIO's own build writes them into the program
commit=${version##*-}
stamp=$(printf '%s' "$version" | sed -n 's/.*-\(....\)\(..\)\(..\)\(..\)\(..\)\(..\)-.*/\1-\2-\3T\4:\5:\6Z/p')
cmd=github.com/minio/minio/cmd
GO_LDFLAGS="-X $cmd.Version=$stamp -X $cmd.ReleaseTag=DEVELOPMENT.$(echo "$stamp" | tr : -) \
-X $cmd.CommitID=$commit -X $cmd.ShortCommitID=$commit"
export GO_LDFLAGS
exec "$(dirname "$0")/build_go_program.sh" github.com/minio/minio "$version" "$sum" . "$1"
