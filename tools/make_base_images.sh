#!/bin/bash
# Base images of your own for all images of this project, for machines behind a company proxy or a
# registry that cannot be reached. Nothing in a Dockerfile changes; .env tells the builds to use them.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: tools/make_base_images.sh [--ca FILE] [--pip-conf FILE] [--bootstrap]

  --ca FILE        certificates (PEM) to trust besides the public ones, such as your proxy's
  --pip-conf FILE  becomes /etc/pip.conf, for an index of your own
  --bootstrap      pull nothing: install Debian from its packages (as root, with debootstrap) and take
                   Go from this machine
  --reuse          take images of an earlier run as they are, when it had these options and this script

The public images they are made from are PYTHON_IMAGE, GOLANG_IMAGE and DEBIAN_IMAGE of the environment,
or those the Dockerfiles name. .env is written; remove its lines to go back to the public images.
TEXT
}

ca='' pip_conf='' bootstrap='' reuse=''
while [ $# -gt 0 ]; do
    case $1 in
        --ca) ca=${2:?--ca needs a file} && shift 2 ;;
        --pip-conf) pip_conf=${2:?--pip-conf needs a file} && shift 2 ;;
        --bootstrap) bootstrap=yes && shift ;;
        --reuse) reuse=yes && shift ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
    esac
done
for file in "$ca" "$pip_conf"; do
    if [ -n "$file" ] && [ ! -r "$file" ]; then
        echo "make_base_images.sh: cannot read $file" >&2
        exit 2
    fi
done

if [ -n "$bootstrap" ]; then
    for program in go debootstrap; do
        command -v "$program" > /dev/null || {
            echo "make_base_images.sh: --bootstrap needs $program on this machine, and there is none" >&2
            exit 2
        }
    done
fi

python_image=${PYTHON_IMAGE:-python:3.11-slim-bookworm}
golang_image=${GOLANG_IMAGE:-golang:1.26-bookworm}
debian_image=${DEBIAN_IMAGE:-debian:bookworm-slim}
repository=sagemaker-transform-emulator
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf 'make_base_images.sh: %s\n' "$*" >&2; }

# the classic builder: every engine has it, and it finds local images without asking a registry
build() {
    if ! DOCKER_BUILDKIT=0 docker build --quiet "$@" > "$work/log" 2>&1; then
        cat "$work/log" >&2
        exit 1
    fi
}

# derive TAG FROM [INSTRUCTIONS]: FROM with the certificates and pip's settings, then INSTRUCTIONS
derive() {
    local folder=$work/derived
    rm -rf "$folder" && mkdir -p "$folder"
    {
        echo "FROM $2"
        echo "LABEL $recipe_label=$recipe" # images.py builds anew on a base image of another recipe
        if [ -n "$ca" ]; then
            cp "$ca" "$folder/extra.pem"
            local bundle=/etc/ssl/certs/ca-certificates.crt
            echo "COPY extra.pem /usr/local/share/extra.pem"
            echo "RUN mkdir -p /etc/ssl/certs && cat /usr/local/share/extra.pem >> $bundle"
            echo "ENV SSL_CERT_FILE=$bundle REQUESTS_CA_BUNDLE=$bundle CURL_CA_BUNDLE=$bundle PIP_CERT=$bundle"
        fi
        if [ -n "$pip_conf" ]; then
            cp "$pip_conf" "$folder/pip.conf"
            echo "COPY pip.conf /etc/pip.conf"
        fi
        printf '%s\n' "${3:-}"
    } > "$folder/Dockerfile"
    say "$1 from $2"
    build --tag "$1" "$folder"
}

bootstrap_debian() {
    say "installing Debian bookworm with debootstrap"
    if ! debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" > "$work/log" 2>&1; then
        tail -20 "$work/log" >&2
        exit 1
    fi
    rm -rf "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/var/lib/apt/lists/*
    tar --numeric-owner -C "$work/debian" -c . |
        docker import --change "ENV PATH=$path" --change 'CMD ["bash"]' - "$repository/bootstrapped:bookworm" > /dev/null
}

# What the public images set is set here too: programs are found alike, and a program in a container sees
# the same environment. Python without LANG would put an LC_CTYPE of its own there.
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# the public golang image's layout, with this machine's compiler
bootstrap_golang() {
    local root version folder=$work/golang
    root=$(go env GOROOT)
    version=$(go env GOVERSION)
    say "taking $(go version | cut -d' ' -f3) from $root"
    mkdir -p "$folder"
    cat > "$folder/Dockerfile" <<TEXT
FROM $repository/base-debian
COPY go /usr/local/go
ENV GOLANG_VERSION=${version#go} GOTOOLCHAIN=local GOPATH=/go PATH=/go/bin:/usr/local/go/bin:$path
RUN mkdir -p /go/src /go/bin && chmod -R 1777 /go
WORKDIR /go
TEXT
    tar -c -C "$folder" Dockerfile --exclude=./test --exclude=testdata --transform 's,^\./,go/,' -C "$root" . |
        build --tag "$repository/base-golang" -
}

# Debian's own Python is the 3.11 of the public image
python_from_debian='ENV LANG=C.UTF-8
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* && ln -s python3 /usr/bin/python
CMD ["python3"]'

# what decides what the base images are: how they are made, of what, and with whose certificates
recipe_label=sagemaker-transform-emulator.recipe
recipe=$({
    declare -f derive bootstrap_debian bootstrap_golang
    echo "$path $python_from_debian $bootstrap $python_image $golang_image $debian_image"
    for file in "$ca" "$pip_conf"; do [ -z "$file" ] || sha256sum < "$file"; done
    [ -z "$bootstrap" ] || go version
} | sha256sum | cut -c 1-16)

made_so() {
    local label
    label=$(docker image inspect --format "{{index .Config.Labels \"$recipe_label\"}}" "$1" 2> /dev/null) && [ "$label" = "$recipe" ]
}

if [ -n "$reuse" ] && made_so "$repository/base-debian" && made_so "$repository/base-python" && made_so "$repository/base-golang"; then
    say "taking the base images of an earlier run"
elif [ -n "$bootstrap" ]; then
    bootstrap_debian
    derive "$repository/base-debian" "$repository/bootstrapped:bookworm"
    derive "$repository/base-python" "$repository/bootstrapped:bookworm" "$python_from_debian"
    bootstrap_golang
else
    derive "$repository/base-debian" "$debian_image"
    derive "$repository/base-python" "$python_image"
    derive "$repository/base-golang" "$golang_image"
fi

touch .env
grep -v -E '^(PYTHON|GOLANG|DEBIAN)_IMAGE=' .env > "$work/env" || true
for kind in python golang debian; do
    echo "${kind^^}_IMAGE=$repository/base-$kind" >> "$work/env"
done
cp "$work/env" .env
say "done; .env names them for make images and docker compose"
