#!/usr/bin/env bash
# Gradescope runs this once, to make the image in which submissions are graded.
set -euo pipefail
source="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
wanted="python$(cat "$source/.python-version")"

# The Python that the wheel is for, and the sandbox.
missing=()
"$wanted" -c 'import ensurepip, venv' 2> /dev/null || missing+=("$wanted" "$wanted-venv")
command -v bwrap > /dev/null || missing+=(bubblewrap)
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update --quiet
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet "${missing[@]}"
fi
"$wanted" -m venv "$source/venv"
"$source/venv/bin/python" -I -m pip install --quiet --requirement "$source/requirements.txt"
"$source/venv/bin/autograder" doctor
