// SPDX-License-Identifier: Apache-2.0

import Client
import Model

/// Which images to list; nil matches all.
struct ImageFilter {
    var distribution: String?
    var release: String?
    var architecture: String?
    var variant: String?

    init(distribution: String?, release: String?, architecture: String?, variant: String?) {
        self.distribution = distribution
        self.release = release
        self.architecture = architecture
        self.variant = variant
    }

    /// The filter of a template's command line, where an empty word matches everything.
    init(_ words: TemplateWords) {
        func given(_ word: String?) -> String? { word?.isEmpty == true ? nil : word }
        self.init(
            distribution: given(words.distribution),
            release: given(words.release),
            architecture: given(words.architecture),
            variant: given(words.variant)
        )
    }

    func matches(_ name: ImageName) -> Bool {
        (distribution ?? name.distribution) == name.distribution && (release ?? name.release) == name.release
            && (architecture ?? name.architecture) == name.architecture && (variant ?? name.variant) == name.variant
    }
}

/// The list of a server's images, printed.
enum ImageTable {
    private struct Output: Encodable {
        var format = documentFormat
        var server: String
        var images: [ImageList.Row]
    }

    /// The widths that LXC's own template pads its columns to.
    private static let widths = [15, 10, 5, 7, 14]

    /// Prints the list as JSON.
    static func json(_ list: ImageList) throws(RootcellarError) {
        try sayJSON(Output(server: list.server, images: list.rows.map(\.row)))
    }

    /// Prints the list, in the frame that programs around LXC's templates look for if `isTemplate`.
    static func print(_ list: ImageList, isTemplate: Bool) {
        let header = [["DIST", "RELEASE", "ARCH", "VARIANT", "BUILD"]]
        let cells = list.rows.map(\.row)
            .map { [$0.distribution, $0.release, $0.architecture, $0.variant, $0.serial] }
        let lines = table(header + cells, widths: isTemplate ? widths : [])
            .split(separator: "\n", omittingEmptySubsequences: false)
        if isTemplate { say("\n---") }
        say(String(lines[0]))
        if isTemplate { say("---") }
        for line in lines.dropFirst() { say(String(line)) }
        if isTemplate { say("---") }
    }
}
