// SPDX-License-Identifier: Apache-2.0

/// `text` without the user information of the URLs in it: libcurl quotes a proxy's URL in some of its messages, and a
/// proxy's URL may hold a password.
func redacted(_ text: String) -> String {
    text.split(separator: " ", omittingEmptySubsequences: false).map { redactedWord(String($0)) }
        .joined(separator: " ")
}

/// A URL or `USER:PASSWORD@HOST` with everything before the last `@` gone but the scheme. A password may hold an
/// unescaped `@` or `/`, hence the last one.
func redactedWord(_ word: String) -> String {
    guard let at = word.lastIndex(of: "@") else { return word }
    guard let mark = word.firstRange(of: "//"), mark.upperBound <= at else { return "***\(word[at...])" }
    return "\(word[..<mark.upperBound])***\(word[at...])"
}
