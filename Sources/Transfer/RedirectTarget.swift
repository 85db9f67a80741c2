// SPDX-License-Identifier: Apache-2.0

import CCurl
import Model

/// The URL that a `Location` header means, seen from `base`.
///
/// - Throws: `TRANSPORT` for anything but an HTTPS URL without user information; then nothing is sent there.
func redirectTarget(_ location: String, from base: String) throws(RootcellarError) -> String {
    func refused(_ why: String) -> RootcellarError {
        RootcellarError(.transport, "redirect refused (\(why): '\(redactedWord(location))')", subject: base)
    }
    guard !location.isEmpty, location.utf8.count <= 4096,
        location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C })
    else { throw refused("not a URL") }
    guard let url = unsafe curl_url() else { throw RootcellarError(.internal, "out of memory") }
    defer { unsafe curl_url_cleanup(url) }
    // The first call takes the base, the second resolves against it (curl_url_set(3)).
    guard unsafe curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK,
        unsafe curl_url_set(url, CURLUPART_URL, location, UInt32(CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME))
            == CURLUE_OK
    else { throw refused("not a URL that can be used") }
    // The fragment is for browsers and is not sent.
    _ = unsafe curl_url_set(url, CURLUPART_FRAGMENT, nil, 0)
    func part(_ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(url, part, &text, 0) == CURLUE_OK, let text = unsafe text else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
    guard part(CURLUPART_SCHEME) == "https" else { throw refused("only https is followed") }
    guard part(CURLUPART_USER) == nil, part(CURLUPART_PASSWORD) == nil else { throw refused("user name in it") }
    guard let target = part(CURLUPART_URL) else { throw refused("not a URL") }
    return target
}
