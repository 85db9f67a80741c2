// SPDX-License-Identifier: Apache-2.0

import CCurl
import Model

/// What a libcurl result says to a user.
///
/// - Parameters:
///   - text: libcurl's own words.
///   - status: the HTTP status, if one had arrived; 0 otherwise.
///   - proxyStatus: the status of the proxy's answer to CONNECT; 0 if there was none.
///   - viaProxy: whether a proxy was to be used.
func curlFault(
    _ code: CURLcode,
    text: String,
    url: String,
    status: Int,
    proxyStatus: Int,
    viaProxy: Bool
) -> Fault {
    var remedy = Fault.Remedy.none
    var hint: String?
    let what: String
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST:
        what = "the name cannot be resolved"
        remedy = .again(after: nil)
        hint = code == CURLE_COULDNT_RESOLVE_PROXY ? aboutProxy : "check the name, and this machine's network"
    case CURLE_COULDNT_CONNECT:
        what = "cannot connect"
        remedy = .again(after: nil)
        hint = viaProxy ? aboutProxy : "check the address, and whether the server is up"
    case CURLE_OPERATION_TIMEDOUT:
        what = "too slow"
        remedy = .again(after: nil)
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
        what = "the connection broke"
        remedy = .again(after: nil)
    case CURLE_SSL_CONNECT_ERROR:
        what = "no TLS connection"
        // A connection that broke during the handshake may do better next time; two sides that cannot agree will not.
        if text.contains("SYSCALL") || text.contains("reset by peer") || text.contains("unexpected eof") {
            remedy = .again(after: nil)
        }
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
        what = "the server's certificate is not accepted"
        hint = "if its authority is a private one, pin the server with --ca FILE; check the clock, too"
    case CURLE_SSL_CACERT_BADFILE:
        what = "the file of certificate authorities cannot be used"
        hint = "check --ca FILE, or install the package ca-certificates"
    case CURLE_SSL_CERTPROBLEM:
        what = "the client certificate or its key cannot be used"
        hint = "check 'client-cert' and 'client-key'"
    case CURLE_ABORTED_BY_CALLBACK:
        what = "interrupted"
    default:
        what = "the transfer failed"
    }
    // A proxy that refuses CONNECT is reported as a broken connection; only its temporary refusals are temporary.
    if proxyStatus >= 300, !isTemporary(proxyStatus) { remedy = .none }
    let isRefused = proxyStatus >= 300
    let detail = redacted(text) + (status == 0 ? "" : ", HTTP status \(status)")
    return Fault(
        RootcellarError(.transport, "\(isRefused ? "the proxy refuses" : what) (\(detail))", subject: url, hint: hint),
        remedy
    )
}

private let aboutProxy = "this goes through a proxy: check 'proxy' in rootcellar.conf, and https_proxy"

/// Whether a server that answers with this status may answer better later.
func isTemporary(_ status: Int) -> Bool { status == 408 || status == 429 || (500...599).contains(status) }
