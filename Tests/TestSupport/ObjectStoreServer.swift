// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage

/// A real server of the S3 kind on loopback (moto), behind HTTPS that goes wrong when it is told to.
package struct ObjectStoreServer: Sendable {
    /// What publishers are given.
    package let endpoint: String
    /// PEM file of the authority that they must trust.
    package let authority: FilePath
    /// The store itself, without HTTPS: what a web server before it reads.
    package let plainPort: Int
    private let directory: FilePath

    package static let bucket = "images"

    private var control: FilePath { directory.appending("control") }
    private var log: FilePath { directory.appending("requests") }

    /// Runs both while `body` runs. There is one bucket, and everybody may do everything.
    ///
    /// - Parameter directory: for its files, made here.
    package static func run<Result: Sendable>(
        in directory: FilePath,
        _ body: (ObjectStoreServer) async throws -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let certificates = try await TestCertificates.make(in: directory)
        let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let python = package.appending(".build/python/bin/python").string
        let proxy = package.appending("Tests/Integration/Scripts/store-proxy").string
        let (storeLog, proxyLog) = (directory.appending("store.log"), directory.appending("proxy.log"))
        let exec = "out=$1; shift; exec \"$@\" >\"$out\" 2>&1"
        let store = ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        return try await withProgram("bash", ["-c", exec, "-", storeLog.string, python] + store) {
            let plain = try await port(storeLog, after: "127.0.0.1:")
            let words = [
                python, proxy, String(plain), certificates.certificate.string, certificates.key.string,
                directory.appending("control").string, directory.appending("requests").string,
            ]
            return try await withProgram("bash", ["-c", exec, "-", proxyLog.string] + words) {
                let server = ObjectStoreServer(
                    endpoint: "https://localhost:\(try await port(proxyLog, after: ""))",
                    authority: certificates.authority,
                    plainPort: plain,
                    directory: directory
                )
                let made = try await runProgram(
                    "curl",
                    ["-sSf", "-X", "PUT", "http://127.0.0.1:\(plain)/\(bucket)"]
                )
                guard made.status == 0 else { throw Errno.connectionRefused }
                return try await body(server)
            }
        }
    }

    /// What happens to requests from now on, which are counted from 1; see `store-proxy`.
    package func tell(_ words: String) throws {
        let staged = FilePath(control.string + ".new")
        try Data((words + " \(UInt32.random(in: 0 ... .max))").utf8).write(to: URL(filePath: staged.string))
        try rename(staged, control)
    }

    /// One line for each request since the beginning: number, what happened, method, path, status, authorization.
    package func requests() throws -> [String] {
        guard FileManager.default.fileExists(atPath: log.string) else { return [] }
        let bytes = try Data(contentsOf: URL(filePath: log.string))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func rename(_ from: FilePath, _ to: FilePath) throws {
        _ = try? FileManager.default.removeItem(atPath: to.string)
        try FileManager.default.moveItem(atPath: from.string, toPath: to.string)
    }

    /// The number that a server has written down.
    private static func port(_ log: FilePath, after mark: String) async throws -> Int {
        for _ in 0..<1200 {
            if let bytes = try? Data(contentsOf: URL(filePath: log.string)) {
                let text = String(decoding: bytes, as: UTF8.self)
                let rest = mark.isEmpty ? text[...] : text.firstRange(of: mark).map { text[$0.upperBound...] } ?? ""
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                if let port = Int(digits), rest.dropFirst(digits.count).first != nil { return port }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Errno.timedOut
    }
}
