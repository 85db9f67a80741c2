// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import Model
import ServiceLifecycle
import Synchronization
import SystemPackage
import TestSupport

@testable import Server

/// A `TreeService` of this process that a test talks to with the real curl.
struct RunningServer: Sendable {
    let address: HostAndPort
    let scheme: String
    /// The certificate curl is told to trust; nil for plain HTTP.
    let authority: FilePath?
    let scratch: FilePath
    let group: ServiceGroup
    /// Finishes when the server has ended.
    let ended: AsyncStream<Never>

    var url: String { "\(scheme)://127.0.0.1:\(address.port)" }

    /// Runs a server over `tree` while `body` runs; then stops it and waits for its end.
    static func run<Result: Sendable>(
        over tree: FilePath,
        in scratch: FilePath,
        isPlain: Bool = false,
        identity given: CurrentIdentity? = nil,
        limits: ServerLimits = ServerLimits(),
        log: LogLines? = nil,
        options change: (inout ServeOptions) throws -> Void = { _ in },
        _ body: (RunningServer) async throws -> Result
    ) async throws -> Result {
        var options = try ServeOptions(repository: tree, listen: "127.0.0.1:0")
        options.limits = limits
        try change(&options)
        let identity = isPlain ? nil : try given ?? CurrentIdentity(ServerIdentity.selfSigned(host: "127.0.0.1"))
        let authority = scratch.appending("served.pem")
        try identity?.current.writeCertificate(to: authority)
        let (addresses, continuation) = AsyncStream.makeStream(of: HostAndPort.self)
        let service = try TreeService(
            options,
            identity: identity,
            logger: log.map(\.logger),
            accessLog: log.map { log in { @Sendable (line: String) in log.add(line) } },
            onListening: { continuation.yield($0) }
        )
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let group = ServiceGroup(configuration: .init(services: [service], logger: quiet))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer {
                    continuation.finish()
                    end.finish()
                }
                try await group.run()
            }
            var iterator = addresses.makeAsyncIterator()
            guard let address = await iterator.next() else {
                try await tasks.waitForAll()
                throw TestServerError(what: "the server ended before it listened")
            }
            let server = RunningServer(
                address: address,
                scheme: isPlain ? "http" : "https",
                authority: isPlain ? nil : authority,
                scratch: scratch,
                group: group,
                ended: ended
            )
            let result: Result
            do {
                result = try await body(server)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        }
    }

    /// One request, with everything curl is told; the path is sent as it is.
    func get(_ path: String, _ arguments: String...) async throws -> Reply { try await get(path, arguments) }

    /// - Parameter body: where the body goes; a file of its own by default.
    func get(_ path: String, _ arguments: [String], to body: FilePath? = nil) async throws -> Reply {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        let head = scratch.appending("head.\(number)")
        let body = body ?? scratch.appending("body.\(number)")
        let result = try await runProgram(
            "curl",
            ["-sS", "--path-as-is", "--globoff", "-m", "120", "-D", head.string, "-o", body.string] + trust
                + ["-w", "%{http_code} %{http_version}"] + arguments + [url + path]
        )
        return Reply(
            curl: result,
            head: (try? String(contentsOf: URL(filePath: head.string), encoding: .utf8)) ?? "",
            body: body
        )
    }

    /// Tells the server to stop, and waits until it has.
    func stop() async {
        await group.triggerGracefulShutdown()
        for await _ in ended {}
    }

    /// What tells curl whom to trust.
    var trust: [String] { authority.map { ["--cacert", $0.string] } ?? [] }

    private static let counter = Atomic(0)
}

/// What curl brought home.
struct Reply: Sendable {
    let curl: ProgramResult
    let head: String
    let body: FilePath

    var status: Int { Int(curl.output.split(separator: " ").first ?? "") ?? 0 }
    var version: String { String(curl.output.split(separator: " ").last ?? "") }
    var bytes: Data { (try? Data(contentsOf: URL(filePath: body.string))) ?? Data() }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A header's value; nil if it is not there.
    func header(_ name: String) -> String? {
        for line in head.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                continue
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return nil
    }
}

/// What was logged, line by line.
final class LogLines: Sendable {
    private let kept = Mutex<[String]>([])
    private let events = Mutex<[String]>([])
    /// A line for each request.
    var lines: [String] { kept.withLock { $0 } }
    /// What the operator was told beside.
    var told: [String] { events.withLock { $0 } }
    func add(_ line: String) { kept.withLock { $0.append(line) } }
    var logger: Logger { Logger(label: "test", factory: { _ in Handler(target: self) }) }

    private struct Handler: LogHandler {
        let target: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { target.events.withLock { $0.append("\(event.message)") } }
    }
}

/// Writes a file and the directories above it.
func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws {
    try FileManager.default.createDirectory(
        atPath: path.removingLastComponent().string,
        withIntermediateDirectories: true
    )
    try Data(bytes).write(to: URL(filePath: path.string))
}

/// Bytes that are the same in every run and differ from page to page, made quickly even without optimization.
func pattern(_ count: Int, seed: UInt64 = 1) -> Data {
    var random = SeededGenerator(seed: seed)
    let page = Data(random.bytes(4088))
    var bytes = Data(capacity: count + 4096)
    var number: UInt64 = 0
    while bytes.count < count {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        bytes.append(page)
        number += 1
    }
    return bytes.prefix(count)
}

/// Asks again and again until the answer is yes; no after a minute.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<600 {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(100))
    }
    return false
}

/// A small tree with everything a published one has: files of each kind, hidden ones, links.
func makeTree(_ scratch: FilePath) throws -> FilePath {
    let tree = scratch.appending("tree")
    let build = "images/debian/bookworm/amd64/default/20260101_00:00"
    try write("<h1>tree</h1>".utf8, to: tree.appending("index.html"))
    try write("pointer".utf8, to: tree.appending("rootcellar/pointer.signed"))
    try write("root".utf8, to: tree.appending("rootcellar/root/1.signed"))
    try write("keys".utf8, to: tree.appending("rootcellar/root/1.asc"))
    try write("{}".utf8, to: tree.appending("rootcellar/index/\(String(repeating: "a", count: 64)).json"))
    try write("index;\n".utf8, to: tree.appending("meta/.1.0-a/index-system"))
    try write("index5;\n".utf8, to: tree.appending("meta/.1.0-a/index-system.5"))
    try FileManager.default.createSymbolicLink(
        atPath: tree.appending("meta/1.0").string,
        withDestinationPath: ".1.0-a"
    )
    for name in [
        "image.json", "rootfs.tar.xz", "rootfs.tar.xz.asc", "SHA256SUMS", "build.log", "image.yaml", "rootfs.tar.zst",
    ] {
        try write(name.utf8, to: tree.appending("\(build)/\(name)"))
    }
    try write("<p>".utf8, to: tree.appending("images/index.html"))
    try write(pattern(3_000_000), to: tree.appending("\(build)/rootfs.squashfs"))
    try write("secret".utf8, to: tree.appending(".hidden/file"))
    try write("secret".utf8, to: tree.appending("images/.lock"))
    try write("outside".utf8, to: scratch.appending("outside/file"))
    try FileManager.default.createSymbolicLink(
        atPath: tree.appending("out").string,
        withDestinationPath: "../outside/file"
    )
    try FileManager.default.createSymbolicLink(
        atPath: tree.appending("absolute").string,
        withDestinationPath: "/etc/hostname"
    )
    try FileManager.default.createSymbolicLink(atPath: tree.appending("loop").string, withDestinationPath: "loop")
    return tree
}

/// The build directory of `makeTree`.
let buildPath = "/images/debian/bookworm/amd64/default/20260101_00:00"

/// All bytes of a file.
func bytes(of path: FilePath) throws -> Data { try Data(contentsOf: URL(filePath: path.string)) }
