# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts beside it: a directory to work in, keys, and real RPM packages signed by them.

bin=$1
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d /tmp/rct-packages.XXXXXX)
chmod 755 "$work"
export GNUPGHOME=$work/gnupg HOME=$work
ends=()
at_end() { ends+=("$1"); }
clean_up() {
    status=$?
    set +e
    for ((i = ${#ends[@]} - 1; i >= 0; i--)); do eval "${ends[i]}"; done
    gpgconf --kill all 2>/dev/null
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
fail() {
    echo "FAILED: $1" >&2
    [ ! -e "$work/output" ] || cat "$work/output" >&2
    exit 1
}
cd "$work"
mkdir -m 700 gnupg
for name in signer other; do
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key "$name <$name@example>" rsa3072 sign never
    gpg --batch --armor --export "$name" >"$name.asc"
done

# package DIR NAME [VERSION] [HEADERS] [INSTALL] [FILES]: a package with one file.
package() {
    cat >package.spec <<END
Name: $2
Version: ${3:-1}
Release: 1
Summary: A test
License: Apache-2.0
BuildArch: noarch
${4:-}
%description
A test.
%install
mkdir -p %{buildroot}/usr/share/$2
echo ${3:-1} >%{buildroot}/usr/share/$2/version
${5:-}
%files
%defattr(-,root,root)
/usr/share/$2
${6:-}
END
    rpmbuild --quiet -bb --define "_topdir $work/build" --define "_rpmdir $1" --define '_binary_payload w3.gzdio' \
        --define '__os_install_post %{nil}' --define '_build_id_links none' package.spec >output 2>&1 || fail "rpmbuild"
}
# sign_packages KEY FILES...
sign_packages() {
    local key=$1
    shift
    rpmsign --define "_gpg_name $key" --define "_gpg_path $GNUPGHOME" --define '__gpg /usr/bin/gpg' --addsign "$@" \
        >output 2>&1 || fail "rpmsign"
}
# key_lines FILE: a key as a definition has it.
key_lines() {
    echo '  keys:'
    echo '  - |'
    sed 's/^/    /' "$1"
}
