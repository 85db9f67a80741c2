// SPDX-License-Identifier: Apache-2.0

/// What is asked inside a container, as scripts for any POSIX shell. Each answer is lines of a word and a text; whatever
/// else a container prints is for the log alone.
enum Probe {
    private static let head = """
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
        LC_ALL=C; export LC_ALL
        pause() { sleep 0.1 2>/dev/null || sleep 1; }

        """

    /// Waits until the init system says that it has started everything; then what it is, its state, and what failed.
    ///
    /// Where the init system has no word for it (busybox, sysvinit, procd), it has when no start script of it runs
    /// any more for half a second.
    static let boot =
        head + """
            case $(readlink /proc/1/exe) in
            */systemd)
                while :; do
                    state=$(systemctl is-system-running 2>/dev/null)
                    case $state in running | degraded | maintenance | stopping) break ;; esac
                    pause
                done
                echo "init systemd"
                echo "state $state"
                systemctl --failed --no-legend --plain --full | while read -r unit rest; do
                    echo "failed $unit"
                    # For the log.
                    journalctl --quiet --no-pager --lines=15 --unit="$unit" 2>&1 | sed 's/^/  /'
                done
                exit 0 ;;
            esac
            if [ -x /sbin/openrc ]; then
                while [ ! -e /run/openrc/softlevel ] || [ -e /run/openrc/rc.starting ]; do pause; done
                echo "init openrc"
                echo "state running"
                rc-status --nocolor --crashed 2>/dev/null | while read -r unit rest; do echo "failed $unit"; done
                exit 0
            fi
            busy() {
                for file in /proc/[0-9]*/comm; do
                    { read -r name <"$file"; } 2>/dev/null || continue
                    case $name in rcS | rc | rc.[SMK] | rc.sysinit | rc.multi | rc.boot | preinit | startpar) return 0 ;; esac
                done
                return 1
            }
            still=0
            while [ "$still" -lt 5 ]; do
                if busy; then still=0; else still=$((still + 1)); fi
                pause
            done
            read -r name </proc/1/comm
            echo "init $name"
            echo "state running"
            """

    /// The host name, by the kernel and by the file.
    static let hostname =
        head + """
            echo "kernel $(cat /proc/sys/kernel/hostname)"
            [ ! -f /etc/hostname ] || echo "file $(cat /etc/hostname)"
            """

    /// Asks the resolver for a name, with whatever the image has for it; ten seconds, since it may start late.
    static func resolve(_ name: String) -> String {
        head + """
            count=0
            while [ "$count" -lt 20 ]; do
                for ask in "getent hosts" "nslookup" "ping -c 1 -W 2" "wget -q -T 2 -O /dev/null http:/"; do
                    program=${ask%% *}
                    command -v "$program" >/dev/null 2>&1 || continue
                    said=$($ask \(name) 2>&1) && { echo "by $program"; printf '%s\\n' "$said" | sed 's/^/said /'; exit 0; }
                done
                [ -n "${said+x}" ] || { echo "none"; exit 0; }
                count=$((count + 1))
                sleep 0.5 2>/dev/null || sleep 1
            done
            printf '%s\\n' "$said" | sed 's/^/said /'
            exit 1
            """
    }

    /// Uses the package manager in a way that needs no network; what was done.
    ///
    /// Programs are looked for as files: busybox takes every applet for a command, and has some of package managers.
    static let packages =
        head + """
            set -e
            has() {
                for place in /usr/sbin /usr/bin /sbin /bin; do
                    [ -x "$place/$1" ] || continue
                    case $(readlink "$place/$1") in *busybox) ;; *) return 0 ;; esac
                done
                return 1
            }
            if has apt-get; then
                DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
                dpkg --audit
                apt-get check
                place=/var/tmp/rootcellar-probe
                rm -rf "$place"
                mkdir -p "$place/tree/DEBIAN" "$place/lists/partial" "$place/cache/archives/partial"
                chmod -R 755 "$place"
                cd "$place"
                printf '%s\\n' 'Package: rootcellar-probe' 'Version: 1' 'Architecture: all' \\
                    'Maintainer: Probe <probe@localhost>' 'Description: probe' >tree/DEBIAN/control
                dpkg-deb --build tree probe.deb >/dev/null
                sum=$(sha256sum probe.deb)
                { cat tree/DEBIAN/control; echo "Filename: ./probe.deb"; echo "Size: $(wc -c <probe.deb)"
                  echo "SHA256: ${sum%% *}"; } >Packages
                echo "deb [trusted=yes] file:$place ./" >list
                apt() {
                    apt-get -q -o Dir::Etc::sourcelist="$place/list" -o Dir::Etc::sourceparts=- \\
                        -o Dir::State::lists="$place/lists" -o Dir::Cache="$place/cache" "$@"
                }
                apt update
                apt install -y --no-install-recommends rootcellar-probe
                dpkg-query -W -f '${Status}\\n' rootcellar-probe | grep -q 'install ok installed'
                apt purge -y rootcellar-probe
                cd /
                rm -rf "$place"
                echo "did apt-get installed and removed a package of a repository in the container"
            elif has apk; then
                apk info >/dev/null
                apk add --no-network --virtual .rootcellar-probe
                apk info -e .rootcellar-probe >/dev/null
                apk del --no-network .rootcellar-probe
                echo "did apk added and removed a virtual package"
            elif has rpm; then
                [ -n "$(rpm -qa)" ]
                for manager in dnf5 dnf yum zypper; do
                    has "$manager" || continue
                    "$manager" --version >/dev/null
                    echo "did rpm listed its packages and $manager started"
                    exit 0
                done
                echo "did rpm listed its packages"
            elif has pacman; then
                pacman -Q >/dev/null
                pacman -Dk
                echo "did pacman checked its database"
            elif has xbps-query; then
                xbps-pkgdb -a
                echo "did xbps-pkgdb checked its database"
            elif has opkg; then
                opkg list-installed >/dev/null
                echo "did opkg listed its packages"
            elif has emerge; then
                emerge --version >/dev/null
                echo "did emerge started"
            else
                echo "none"
            fi
            """

    /// Whether cloud-init has ended, and how; and what the user-data of `userData` left.
    static let cloud =
        head + """
            cloud-init status --wait >/run/rootcellar-status 2>&1
            echo "status $(sed -n 's/^.*status: *//p' /run/rootcellar-status | tail -n 1)"
            [ ! -f \(mark) ] || echo "mark $(cat \(mark))"
            """

    /// Where the user-data leaves a mark.
    static let mark = "/run/rootcellar-user-data"

    /// User-data that leaves a mark.
    static func userData(_ word: String) -> String {
        """
        #cloud-config
        write_files:
        - path: \(mark)
          content: \(word)

        """
    }

    /// The texts behind a word in an answer.
    static func texts(_ word: String, in answer: String) -> [String] {
        answer.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("\(word) ") }
            .map { String($0.dropFirst(word.utf8.count + 1)) }
    }
}
