// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// A bridge with DHCP and DNS in the run's own network namespace, from which nothing outside can be reached.
struct TestNetwork {
    /// The bridge's name; exists in this namespace alone.
    static let bridge = "rc0"
    /// What a container's interface is called.
    static let interface = "eth0"
    /// A name that only this network's resolver knows, and its answer.
    static let probe = (name: "probe.rootcellar.test", address: "10.213.0.2")

    private let leases: FilePath
    private let tool: Tool
    private let enter: FilePath
    private let ip: FilePath

    /// Makes the bridge and starts dnsmasq.
    ///
    /// - Throws: `POLICY` for a missing program, `TEST` if the network cannot be made.
    init(_ ground: TestGround, tool: Tool) throws(RootcellarError) {
        self.tool = tool
        ip = try ground.require("ip", package: "iproute2")
        enter = try ground.require("nsenter", package: "util-linux")
        let dnsmasq = try ground.require("dnsmasq", package: "dnsmasq-base")
        leases = ground.top.appending("leases")
        let log = ground.top.appending("dnsmasq.log")
        try Self.explaining("make a network for the containers") { () throws(CheckFault) in
            for words in [
                "link set lo up", "link add \(Self.bridge) type bridge", "address add 10.213.0.1/24 dev \(Self.bridge)",
                "address add \(Self.probe.address)/24 dev \(Self.bridge)", "link set \(Self.bridge) up",
            ] {
                try tool.need(ip, words.split(separator: " ").map(String.init), seconds: 10)
            }
            try tool.start(
                dnsmasq,
                [
                    "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file", "--no-hosts",
                    "--no-resolv",
                    "--bind-interfaces", "--interface=\(Self.bridge)", "--except-interface=lo", "--no-ping",
                    "--dhcp-authoritative", "--dhcp-range=10.213.0.10,10.213.0.250,1h", "--dhcp-leasefile=\(leases)",
                    "--address=/\(Self.probe.name)/\(Self.probe.address)",
                ],
                log: log
            )
            // It makes the file when it is ready.
            guard wait(seconds: 10, until: { (try? readStart(leases, count: 1)) != nil }) else {
                throw .failed("dnsmasq does not start: \(Tool.text(log).split(separator: "\n").last ?? "no message")")
            }
        }
    }

    /// The IPv4 address of a container, once it has one that this network leased.
    ///
    /// - Parameter process: one in the container.
    func address(of process: Int, seconds: Int) throws(CheckFault) -> String {
        var found: String?
        var fault: CheckFault?
        let isLeased = wait(seconds: seconds) {
            do throws(CheckFault) {
                let text = try tool.run(
                    enter,
                    [
                        "--target", "\(process)", "--net", ip.string, "-4", "-o", "address", "show", "dev",
                        Self.interface,
                    ]
                        + ["scope", "global"],
                    seconds: 10
                ).output
                found = Self.address(in: text)
            } catch {
                fault = error
            }
            guard let found else { return false }
            return Tool.text(leases).split(separator: "\n").contains {
                $0.split(separator: " ").dropFirst(2).first == found[...]
            }
        }
        if isLeased, let found { return found }
        if let found { throw .failed("\(Self.interface) has \(found), which was not given by DHCP") }
        throw fault ?? .failed("\(Self.interface) has no IPv4 address after \(seconds) s")
    }

    /// The first address in the one-line form of ip-address(8).
    static func address(in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "inet"), at + 1 < words.count else { continue }
            return words[at + 1].split(separator: "/").first.map(String.init)
        }
        return nil
    }

    private static func explaining(
        _ what: String,
        _ body: () throws(CheckFault) -> Void
    ) throws(RootcellarError) {
        do throws(CheckFault) {
            try body()
        } catch {
            throw RootcellarError(.test, "cannot \(what): \(error.reason)")
        }
    }
}
