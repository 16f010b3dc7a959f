#!/bin/sh
# Installs on Debian or Ubuntu everything that both commands need and that pip does not bring. As root, safe to repeat:
#
#     sudo sh infra/debian.sh
#
# Used by people, by .devcontainer/Dockerfile and by cloudbuild.yaml.
set -eu
export DEBIAN_FRONTEND=noninteractive
install="apt-get install -q -y --no-install-recommends"

apt-get update -q
$install ca-certificates curl gnupg

# The Google Cloud CLI and its emulators come from Google.
curl -fsS https://packages.cloud.google.com/apt/doc/apt-key.gpg |
    gpg --dearmor --yes -o /usr/share/keyrings/cloud.google.gpg
echo "deb [signed-by=/usr/share/keyrings/cloud.google.gpg] https://packages.cloud.google.com/apt cloud-sdk main" \
    >/etc/apt/sources.list.d/google-cloud-sdk.list
apt-get update -q

# The newest Java of 17 or more that this release has; the emulators run on any of them.
java=$(apt-cache pkgnames openjdk- | grep -E '^openjdk-(1[7-9]|[2-9][0-9])-jre-headless$' | sort -V | tail -n 1)
# On Ubuntu, the package chromium is a snap's stand-in or not there; only the browser tests need it.
chromium=$(apt-cache policy chromium | grep -q 'Candidate: [0-9]' && echo chromium || true)

# shellcheck disable=SC2086 # of Chromium there may be none
$install git make gcc libc6-dev python3 python3-venv "$java" $chromium \
    google-cloud-cli google-cloud-cli-firestore-emulator google-cloud-cli-pubsub-emulator
