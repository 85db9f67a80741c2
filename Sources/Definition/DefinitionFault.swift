// SPDX-License-Identifier: Apache-2.0

import Model

/// The error for something wrong at `position`: the definition's fault if it is in the file, the command line's if an
/// override brought it.
func fault(_ reason: String, at position: SourcePosition, hint: String? = nil) -> RootcellarError {
    switch position.origin {
    case .override: RootcellarError(.usage, reason, subject: "\(position)", hint: hint)
    case .file, .default: RootcellarError(.definition, reason, subject: "\(position)", hint: hint)
    }
}

/// A hint that names the nearest of the allowed words, or all of them if none is near and they are few.
func hint(for word: String, among names: [String]) -> String? {
    if let nearest = nearestName(to: word, among: names) { return "did you mean '\(nearest)'?" }
    guard names.count <= 12 else { return nil }
    return "use one of \(names.joined(separator: ", "))"
}
