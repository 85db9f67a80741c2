// SPDX-License-Identifier: Apache-2.0

/// One item of `files`: a generator and what it writes.
package struct FileItem: FilteredItem, Hashable {
    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    /// What to do.
    package var generator: Generator = .dump
    /// Where in the image. A template if `pongo`.
    package var path = SourceText("")
    /// What to write. A template if `pongo`.
    package var content = SourceText("")
    /// A path on the host, for `copy`. A template if `pongo`.
    package var source = SourceText("")
    /// The name of a template or of a cloud-init file; a label elsewhere.
    package var name = ""
    /// Permission bits in octal as written, or empty.
    package var mode = ""
    /// Owner as written, or empty.
    package var uid = ""
    /// Group as written, or empty.
    package var gid = ""
    /// `template.properties`.
    package var properties: [String: String] = [:]
    /// `template.when`; empty stands for create and copy.
    package var when: [String] = []
    /// Whether LXC shall replace its placeholders in the file.
    package var templated = false
    /// Whether path, content and source are templates.
    package var pongo = false

    /// When Incus shall write the template: what is given, or create and copy.
    package var effectiveWhen: [String] { when.isEmpty ? ["create", "copy"] : when }
}
