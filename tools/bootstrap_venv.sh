#!/bin/bash
# usage: bootstrap_venv.sh FOLDER
#
# FOLDER is a virtual environment with pip, of Python 3.11 or later. PYTHON names the interpreter.
set -euo pipefail
folder=$1

python=''
for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if command -v "$name" > /dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$name
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or later is needed, and ${PYTHON:-python3} is not: install one, or name it: make PYTHON=python3.12" >&2
    exit 1
fi

if [ -x "$folder/bin/python" ] && "$folder/bin/python" -m pip --version > /dev/null 2>&1; then
    exit 0
fi
if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
    version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$version" > /dev/null
    else
        echo "$python cannot make virtual environments: install its venv module (Debian and Ubuntu: sudo apt-get install $version)" >&2
        exit 1
    fi
fi
"$python" -m venv --clear "$folder"
