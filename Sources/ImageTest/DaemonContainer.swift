// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// A container by a daemon of the test's own: LXD, or Incus, which came of it and takes the same words.
struct DaemonContainer: BootedContainer {
    /// What tells the two apart.
    struct Kind {
        let title: String
        let daemon: String
        let client: String
        /// The variables that name the daemon's and the client's directories.
        let directory: String
        let configuration: String

        static let lxd = Kind(
            title: "LXD",
            daemon: "lxd",
            client: "lxc",
            directory: "LXD_DIR",
            configuration: "LXD_CONF"
        )
        static let incus = Kind(
            title: "Incus",
            daemon: "incusd",
            client: "incus",
            directory: "INCUS_DIR",
            configuration: "INCUS_CONF"
        )
    }

    let name: String
    let image: TestedImage
    let kind: Kind
    private let tool: Tool
    private let daemon: FilePath
    private let client: FilePath
    private let ground: TestGround

    private static let profile = """
        storage_pools:
        - name: default
          driver: dir
        profiles:
        - name: default
          devices:
            root: {type: disk, path: /, pool: default}
            \(TestNetwork.interface): {type: nic, nictype: bridged, parent: \(TestNetwork.bridge), name: \(TestNetwork.interface)}

        """

    /// - Returns: nil if the daemon or its client is not installed.
    init?(_ kind: Kind, name: String, image: TestedImage, ground: TestGround, tool: Tool) {
        // Debian has Incus's daemon where no path of programs leads.
        let hidden = ["/usr/libexec/incus", "/usr/lib/incus", "/opt/incus/bin"].map {
            FilePath($0).appending(kind.daemon)
        }
        guard let daemon = findProgram(kind.daemon) ?? hidden.first(where: { (try? readStart($0, count: 1)) != nil }),
            let client = findProgram(kind.client)
        else { return nil }
        self.name = name
        self.image = image
        self.kind = kind
        self.daemon = daemon
        self.client = client
        self.ground = ground
        var tool = tool
        // Short, since sockets are made below it (unix(7)).
        tool.environment[kind.directory] = ground.top.appending(kind.daemon).string
        tool.environment[kind.configuration] = ground.top.appending("\(kind.client).conf").string
        self.tool = tool
    }

    /// The daemon's version.
    var version: String {
        let text = (try? tool.need(daemon, ["--version"], seconds: 10)) ?? ""
        return "\(kind.title) \(text.filter { !$0.isNewline })"
    }

    func create(userData: String?) throws(CheckFault) -> String {
        let log = ground.top.appending("\(kind.daemon).log")
        _ = try ground.directory(kind.daemon, mode: 0o711)
        try tool.start(daemon, ["--group", "root"], log: log)
        do throws(CheckFault) {
            if kind.daemon == "lxd" {
                try tool.need(daemon, ["waitready", "--timeout", "60"], seconds: 70)
            } else {
                try tool.need(client, ["admin", "waitready", "--timeout", "60"], seconds: 70)
            }
        } catch {
            throw .notRun(
                "\(kind.title) does not start here: \(Tool.text(log).split(separator: "\n").last ?? "no message")"
            )
        }
        try preseed()
        guard image.document.files["rootfs.squashfs"] != nil, image.document.files["incus.tar.xz"] != nil else {
            throw .failed("the image has no rootfs.squashfs and incus.tar.xz")
        }
        try tool.need(
            client,
            ["image", "import", image.path("incus.tar.xz").string, image.path("rootfs.squashfs").string]
                + ["--alias", "image"],
            seconds: 300
        )
        let settings = userData.map { ["-c", "user.user-data=\($0)"] } ?? []
        try tool.need(client, ["init", "-q", "image", name] + settings, seconds: 300)
        return "rootfs.squashfs"
    }

    private func preseed() throws(CheckFault) {
        // Both read it from standard input alone.
        guard let shell = findProgram("sh") else { throw .failed("there is no shell") }
        let words =
            kind.daemon == "lxd"
            ? [daemon.string, "init", "--preseed"] : [client.string, "admin", "init", "--preseed"]
        try tool.need(shell, ["-c", "printf '%s' \"$0\" | \"$@\"", Self.profile] + words, seconds: 60)
    }

    func start() throws(CheckFault) {
        let result = try tool.run(client, ["start", name], seconds: 120)
        guard result.status == 0 else { throw .failed("it does not start: \(result.lastWord)") }
    }

    func process() throws(CheckFault) -> Int {
        let text = try tool.need(client, ["query", "/1.0/instances/\(name)/state"], seconds: 20)
        guard let match = text.firstMatch(of: /"pid": *([0-9]+)/), let id = Int(match.1), id > 1 else {
            throw .failed("it does not run any more")
        }
        return id
    }

    func attach(_ script: String, seconds: Int) throws(CheckFault) -> Tool.Result {
        try tool.run(client, ["exec", "-T", name, "--", "/bin/sh", "-c", script], seconds: seconds)
    }

    func stop(seconds: Int) throws(CheckFault) {
        let result = try tool.run(client, ["stop", name, "--timeout", "\(seconds)"], seconds: seconds + 20)
        guard result.status == 0 else { throw .failed("it does not stop within \(seconds) s: \(result.lastWord)") }
    }

    func kill() { _ = try? tool.run(client, ["delete", "--force", name], seconds: 60) }
}
