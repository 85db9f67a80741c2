// SPDX-License-Identifier: Apache-2.0

import Model

/// Values over time, drawn as SVG within a page: shown without a script, in the page's own colours.
struct Plot {
    let svg: String

    /// One value.
    struct Point {
        var time: Timestamp
        var value: Double
        /// For people; the figure is added.
        var label: String
    }

    /// Values that belong together.
    struct Line {
        var name: String
        var points: [Point]
    }

    private static let width = 640.0
    private static let height = 180.0
    private static let left = 64.0
    private static let right = 16.0
    private static let top = 12.0
    private static let bottom = 28.0

    /// Draws the lines; nil if no line has a point.
    ///
    /// - Parameters:
    ///   - title: what is drawn, for people who cannot see it as well.
    ///   - unit: writes a value.
    init?(title: String, lines: [Line], unit: (Double) -> String) {
        let all = lines.flatMap(\.points)
        guard let first = all.map(\.time).min(), let last = all.map(\.time).max(), let most = all.map(\.value).max()
        else { return nil }
        let ceiling = Self.ceiling(most)
        let span = Double(max(last.seconds - first.seconds, 1))
        func x(_ time: Timestamp) -> Double {
            let part = first == last ? 0.5 : Double(time.seconds - first.seconds) / span
            return Self.left + part * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - value / ceiling * (Self.height - Self.top - Self.bottom)
        }
        var parts = [
            "<svg class=\"plot\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
                + "aria-label=\"\(MarkupText.escaped(Self.description(title, lines, unit)))\">"
        ]
        for step in 0...2 {
            let value = ceiling * Double(step) / 2
            parts.append(
                "<line class=\"grid\" x1=\"\(Self.left)\" x2=\"\(Self.width - Self.right)\" "
                    + "y1=\"\(Self.short(y(value)))\" y2=\"\(Self.short(y(value)))\"/>"
                    + "<text x=\"\(Self.left - 8)\" y=\"\(Self.short(y(value) + 4))\" text-anchor=\"end\">"
                    + "\(MarkupText.escaped(unit(value)))</text>"
            )
        }
        let days = first == last ? [(first, "middle")] : [(first, "start"), (last, "end")]
        for (time, anchor) in days {
            parts.append(
                "<text x=\"\(Self.short(x(time)))\" y=\"\(Self.height - 8)\" text-anchor=\"\(anchor)\">"
                    + "\(time.description.prefix(10))</text>"
            )
        }
        for (at, line) in lines.enumerated() {
            let points = line.points.sorted { $0.time < $1.time }
            let path = points.map { "\(Self.short(x($0.time))),\(Self.short(y($0.value)))" }.joined(separator: " ")
            parts.append("<g class=\"line-\(at % 5)\"><polyline points=\"\(path)\"/>")
            for point in points {
                parts.append(
                    "<circle r=\"3.5\" cx=\"\(Self.short(x(point.time)))\" cy=\"\(Self.short(y(point.value)))\">"
                        + "<title>\(MarkupText.escaped("\(line.name), \(point.label): \(unit(point.value))"))</title></circle>"
                )
            }
            parts.append("</g>")
        }
        parts.append("</svg>")
        if lines.count > 1 {
            let names = lines.enumerated().map {
                "<li class=\"line-\($0.offset % 5)\">\(MarkupText.escaped($0.element.name))</li>"
            }
            parts.append("<ul class=\"legend\">\(names.joined())</ul>")
        }
        svg = parts.joined()
    }

    /// The plot in words: where each line begins and ends.
    private static func description(_ title: String, _ lines: [Line], _ unit: (Double) -> String) -> String {
        let texts = lines.compactMap { line -> String? in
            let points = line.points.sorted { $0.time < $1.time }
            guard let first = points.first, let last = points.last else { return nil }
            let values = points.count == 1 ? unit(last.value) : "from \(unit(first.value)) to \(unit(last.value))"
            return "\(line.name) \(values)"
        }
        return "\(title) over time: \(texts.joined(separator: "; "))"
    }

    /// The next value above that is 1, 2 or 5 times a power of ten, so that its half is a round figure as well.
    static func ceiling(_ value: Double) -> Double {
        var power = 1.0
        while power * 10 <= value { power *= 10 }
        while power > value, power > 0.001 { power /= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? power * 10
    }

    private static func short(_ value: Double) -> String { Words.decimal(max(value, 0)) }
}
