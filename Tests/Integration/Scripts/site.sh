# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts beside it: a publisher and a server in a directory of their own, and their end.

bin=$1
image=$2
work=$(mktemp -d /tmp/rct-site.XXXXXX)
chmod 755 "$work"
mkdir "$work/bin" "$work/etc" "$work/lxc"
# Copies that every user can reach, wherever the build directory is.
install -m 755 "$bin"/rootcellar "$bin"/rootcellar-client "$bin"/rootcellar-unpack "$bin"/rootcellar-sandbox "$work/bin/"
install -D -m 644 -t "$work/share/rootcellar/keys" "$(dirname "${BASH_SOURCE[0]}")"/../../../keys/*.asc
install -m 755 "$(dirname "${BASH_SOURCE[0]}")/../../../templates/lxc-rootcellar" "$work/lxc-rootcellar"
export PATH="$work/bin:$PATH"
processes=()
ends=()

at_end() { ends+=("$1"); }
clean_up() {
    local status=$?
    set +e
    for ((i = ${#ends[@]} - 1; i >= 0; i--)); do eval "${ends[i]}"; done
    for process in "${processes[@]}"; do kill "$process"; done 2>/dev/null
    wait "${processes[@]}" 2>/dev/null
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

# publish_and_serve: afterwards $host, $url, $fingerprint and $work/ca.pem are there.
publish_and_serve() {
    rootcellar key init --keys "$work/keys" --name Test --no-passphrase >"$work/key-init"
    fingerprint=$(tail -n 1 "$work/key-init")
    rootcellar repo init --repo "$work/tree" --keys "$work/keys" --id test
    rootcellar publish "$image" --repo "$work/tree" --keys "$work/keys" --untested
    rootcellar serve --repo "$work/tree" --listen 127.0.0.1:0 --ca-out "$work/ca.pem" --access-log >"$work/address" 2>"$work/log" &
    processes+=($!)
    for _ in $(seq 200); do
        [ -s "$work/address" ] && break
        sleep 0.05
    done
    url=$(head -n 1 "$work/address")
    host=${url#https://}
    [ -n "$host" ] || fail "the server does not listen: $(cat "$work/log")"
}

# small_definition DIRECTORY: definition.yaml and the tar of busybox that it starts from.
small_definition() {
    mkdir -p "$1/root/bin" "$1/root/etc"
    cp /bin/busybox "$1/root/bin/"
    ln -s busybox "$1/root/bin/sh"
    echo small >"$1/root/etc/hostname"
    tar -C "$1/root" --owner=0 --group=0 -czf "$1/system.tar.gz" .
    cat >"$1/definition.yaml" <<EOT
image:
  distribution: small
  release: one
  architecture: $(dpkg --print-architecture)
  serial: 20260102_0304
source:
  downloader: rootfs-http
  url: file://$1/system.tar.gz
packages:
  manager: apk
EOT
}

# wait_running PATH NAME: until systemd's own word is final, 30 seconds at most.
wait_running() {
    local state=
    for _ in $(seq 300); do
        state=$(lxc-attach -P "$1" -n "$2" -- systemctl is-system-running 2>/dev/null || true)
        case $state in running | degraded) break ;; esac
        sleep 0.1
    done
    [ "$state" = running ] || {
        lxc-attach -P "$1" -n "$2" -- systemctl --failed --no-pager || true
        fail "$2 is '$state'"
    }
}
