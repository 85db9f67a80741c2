// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <curl/curl.h>

// curl_easy_setopt is variadic, which Swift does not import. One inline per kind of argument, so that a
// `long` option cannot receive a 32-bit integer (CURLOPT(3): the type is part of each option's contract).

static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}

// A request with a body that libcurl copies, so that it need not outlive the call (CURLOPT_COPYPOSTFIELDS(3): the size
// has to be set first).
static inline CURLcode ccurl_set_body(CURL *handle, const char *method, const void *bytes, curl_off_t size) {
    CURLcode result = curl_easy_setopt(handle, CURLOPT_POST, 1L);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, size);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, bytes);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method) : result;
}

// A request whose body is read while it is sent, and from its beginning again where libcurl has to send it once more
// (CURLOPT_SEEKFUNCTION(3)).
static inline CURLcode ccurl_set_upload(
    CURL *handle, size_t (*read)(char *, size_t, size_t, void *), int (*seek)(void *, curl_off_t, int), void *context,
    curl_off_t size) {
    CURLcode result = curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, size);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_READFUNCTION, read);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_READDATA, context);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_SEEKDATA, context) : result;
}

// Signatures of requests came with 7.75.
static inline CURLcode ccurl_set_signature(CURL *handle, const char *scope, const char *user, const char *secret) {
#if LIBCURL_VERSION_NUM >= 0x074B00
    CURLcode result = curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, scope);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_USERNAME, user);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_PASSWORD, secret) : result;
#else
    (void)handle; (void)scope; (void)user; (void)secret;
    return CURLE_UNKNOWN_OPTION;
#endif
}

static inline CURLcode ccurl_set_write(
    CURL *handle, size_t (*function)(char *, size_t, size_t, void *), void *context) {
    CURLcode result = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, function);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_WRITEDATA, context) : result;
}

static inline CURLcode ccurl_set_header(
    CURL *handle, size_t (*function)(char *, size_t, size_t, void *), void *context) {
    CURLcode result = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, function);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_HEADERDATA, context) : result;
}

static inline CURLcode ccurl_set_progress(
    CURL *handle, int (*function)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t), void *context) {
    CURLcode result = curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, function);
    if (result == CURLE_OK) result = curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L) : result;
}

static inline CURLcode ccurl_get_long(CURL *handle, CURLINFO info, long *out) {
    return curl_easy_getinfo(handle, info, out);
}

static inline CURLcode ccurl_get_offset(CURL *handle, CURLINFO info, curl_off_t *out) {
    return curl_easy_getinfo(handle, info, out);
}

static inline CURLcode ccurl_get_text(CURL *handle, CURLINFO info, char **out) {
    return curl_easy_getinfo(handle, info, out);
}

// CURL_GLOBAL_DEFAULT is an expression macro, which Swift does not import.
static inline CURLcode ccurl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

static inline CURLcode ccurl_set_error_buffer(CURL *handle, char *buffer) {
    return curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, buffer);
}

// HTTPS and nothing else, for requests and for redirects. The *_STR forms came with 7.85; the masks that they replace
// are gone from later headers' good graces but are all that older ones have.
static inline CURLcode ccurl_set_https_only(CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
    CURLcode result = curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https") : result;
#else
    CURLcode result = curl_easy_setopt(handle, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTPS);
    return result == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS) : result;
#endif
}

// CURLVERSION_NOW is a macro over an enum constant, which Swift does not import.
static inline curl_version_info_data *ccurl_version(void) { return curl_version_info(CURLVERSION_NOW); }
