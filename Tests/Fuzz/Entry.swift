// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Where libFuzzer comes in; `ROOTCELLAR_FUZZ` names the target.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    chosen.run(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

private let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["ROOTCELLAR_FUZZ"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        fatalError("ROOTCELLAR_FUZZ has to be one of: \(names)")
    }
    return target
}()
