// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport

/// One system call that goes wrong in one run of a program, by strace(1)'s injection.
struct Fault: Sendable, CustomStringConvertible {
    enum Kind: Sendable, Hashable { case kill, error(String) }

    var kind: Kind
    /// The system call's name.
    var call: String
    /// The how manieth such call of a process.
    var number: Int
    /// Whether children are meant too: then it happens in each process that gets so far.
    var everywhere: Bool

    var description: String {
        let what = if case .error(let name) = kind { name } else { "KILL" }
        return "\(what) at \(call) \(number)\(everywhere ? " of every process" : "")"
    }

    /// Makes the fault happen in `"$@"`.
    var script: String {
        let effect = if case .error(let name) = kind { "error=\(name)" } else { "signal=KILL" }
        return "exec timeout -s KILL 120 strace \(everywhere ? "-f " : "")-qqq -o /dev/null "
            + "-e trace=\(call) -e inject=\(call):\(effect):when=\(number) \"$@\""
    }
}

/// Which system calls a program makes, and so where something can go wrong.
struct FaultRig: Sendable {
    /// Everything that creates, changes or removes a name or writes bytes.
    static let calls =
        "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,open,openat,openat2,write,pwrite64,"
        + "fsync,fdatasync,mkdir,mkdirat,mknodat,ftruncate,fchmod,fchmodat,fchown,fchownat,fsetxattr,utimensat"

    /// The same for strace(1): not every machine has every one.
    static var traced: String { calls.split(separator: ",").map { "?\($0)" }.joined(separator: ",") }

    /// By system call, how often the program itself calls it, and the most that any process of it does.
    private(set) var counts: [String: (own: Int, most: Int)] = [:]

    /// Reads what `strace -f -ff -o PREFIX` wrote of all processes, and `strace -o FILE` of the program alone.
    init(traces directory: FilePath, own: FilePath) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.string) {
            var counts: [String: Int] = [:]
            for line in try text(directory.appending(name)).split(separator: "\n") {
                guard let open = line.firstIndex(of: "(") else { continue }
                counts[String(line[..<open]), default: 0] += 1
            }
            for (call, count) in counts {
                self.counts[call, default: (0, 0)].most = max(self.counts[call]?.most ?? 0, count)
            }
        }
        for line in try text(own).split(separator: "\n") {
            guard let open = line.firstIndex(of: "(") else { continue }
            counts[String(line[..<open]), default: (0, 0)].own += 1
        }
    }

    /// Every fault there is.
    ///
    /// - Parameter kinds: what happens; EMFILE only where a descriptor is made.
    func faults(_ kinds: [Fault.Kind]) -> [Fault] {
        var faults: [Fault] = []
        for (call, count) in counts.sorted(by: { $0.key < $1.key })
        where Self.calls.split(separator: ",").contains(call[...]) {
            for kind in kinds {
                if kind == .error("EMFILE"), !call.hasPrefix("open") { continue }
                // A call a little beyond the last shows that the end was reached.
                for number in 1...(max(count.own, 1) + 1) where count.own > 0 {
                    faults.append(Fault(kind: kind, call: call, number: number, everywhere: false))
                }
                for number in 1...count.most {
                    faults.append(Fault(kind: kind, call: call, number: number, everywhere: true))
                }
            }
        }
        return faults
    }
}
