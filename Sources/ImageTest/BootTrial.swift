// SPDX-License-Identifier: Apache-2.0

import Model

/// Boots the image in one way and looks whether it does what people start containers for.
struct BootTrial {
    let container: any BootedContainer
    let network: TestNetwork
    let record: TrialRecord
    /// Whether the image is to obey user-data.
    let isCloud: Bool
    let bootSeconds: Int

    private var stopSeconds: Int { min(60, bootSeconds) }

    func run() {
        let word = "applied-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        let userData = isCloud ? Probe.userData(word) : nil
        guard record.check("create", { () throws(CheckFault) in try container.create(userData: userData) }) else {
            return
        }
        defer { container.kill() }
        let isStarted = record.check("start") { () throws(CheckFault) in
            try container.start()
            return nil
        }
        guard isStarted else { return }
        var failedUnits: [String]?
        record.check("boot") { () throws(CheckFault) in
            let answer = try answer(Probe.boot, seconds: bootSeconds)
            let state = Probe.texts("state", in: answer).first ?? "unknown"
            let system = Probe.texts("init", in: answer).first ?? "init"
            failedUnits = Probe.texts("failed", in: answer)
            // What failed is the next check's to tell.
            guard state == "running" || state == "degraded" else { throw .failed("\(system) says '\(state)'") }
            return "\(system) says running"
        }
        record.check("units") { () throws(CheckFault) in
            guard let failedUnits else { throw .notRun("the image did not boot") }
            guard failedUnits.isEmpty else { throw .failed("failed: \(failedUnits.sorted().joined(separator: ", "))") }
            return nil
        }
        record.check("address") { () throws(CheckFault) in
            try "\(network.address(of: container.process(), seconds: 20)) by DHCP"
        }
        record.check("DNS") { () throws(CheckFault) in try resolve() }
        record.check("host name") { () throws(CheckFault) in try hostname() }
        record.check("packages") { () throws(CheckFault) in try packages() }
        if isCloud { record.check("user-data") { () throws(CheckFault) in try applied(word) } }
        record.check("stop") { () throws(CheckFault) in
            try container.stop(seconds: stopSeconds)
            return nil
        }
    }

    /// What a script inside printed.
    private func answer(_ script: String, seconds: Int) throws(CheckFault) -> String {
        let result = try container.attach(script, seconds: seconds)
        guard result.status == 0 else { throw .failed("ended with \(result.status): \(result.lastWord)") }
        return result.output
    }

    private func resolve() throws(CheckFault) -> String? {
        let name = TestNetwork.probe.name
        let result = try container.attach(Probe.resolve(name), seconds: 60)
        if result.output.hasPrefix("none") { throw .notRun("the image has no program that asks a resolver") }
        let said = Probe.texts("said", in: result.output)
        guard result.status == 0 else { throw .failed("\(name) is not found: \(said.last ?? result.lastWord)") }
        guard said.contains(where: { $0.contains(TestNetwork.probe.address) }) else {
            throw .failed("\(name) is something else: \(said.last ?? "nothing")")
        }
        return "\(name) found by \(Probe.texts("by", in: result.output).first ?? "")"
    }

    private func hostname() throws(CheckFault) -> String? {
        let answer = try answer(Probe.hostname, seconds: 20)
        guard let kernel = Probe.texts("kernel", in: answer).first, kernel == container.name else {
            throw .failed("it is '\(Probe.texts("kernel", in: answer).first ?? "")' instead of '\(container.name)'")
        }
        if let file = Probe.texts("file", in: answer).first, file != container.name {
            throw .failed("/etc/hostname says '\(file)' instead of '\(container.name)'")
        }
        return kernel
    }

    private func packages() throws(CheckFault) -> String? {
        let answer = try answer(Probe.packages, seconds: 120)
        if let done = Probe.texts("did", in: answer).last { return "\(done), offline" }
        throw .notRun("the image has no package manager that is known here")
    }

    private func applied(_ word: String) throws(CheckFault) -> String? {
        let answer = try answer(Probe.cloud, seconds: min(60, bootSeconds))
        let status = Probe.texts("status", in: answer).first ?? "unknown"
        guard Probe.texts("mark", in: answer).first == word else {
            throw .failed("cloud-init did not apply it (status: \(status))")
        }
        guard status == "done" else { throw .failed("applied, but cloud-init's status is '\(status)'") }
        return "applied"
    }
}
