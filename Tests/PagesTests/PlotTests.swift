// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@testable import Pages

@Suite("A plot")
struct PlotTests {
    private func line(_ values: [(Int64, Double)]) -> Plot.Line {
        Plot.Line(name: "x", points: values.map { Plot.Point(time: Timestamp(seconds: $0.0), value: $0.1, label: "l") })
    }

    @Test("of nothing is none")
    func nothing() { #expect(Plot(title: "t", lines: [line([])], unit: Words.decimal) == nil) }

    @Test(
        "stays within its frame",
        arguments: [[(0, 0.0)], [(5, 7)], [(0, 1), (86400, 1)], [(3, 0.004), (1, 9999), (2, 5)]]
    )
    func frame(_ values: [(Int64, Double)]) throws {
        let svg = try #require(Plot(title: "t", lines: [line(values)], unit: Words.decimal)).svg
        for match in svg.matches(of: #/c(x|y)="([0-9.]+)"/#) {
            let value = try #require(Double(match.2))
            #expect(value >= 0 && value <= (match.1 == "x" ? 640 : 180))
        }
        #expect(svg.matches(of: #/<circle/#).count == values.count)
    }

    @Test("ends above its highest value, at a round figure")
    func ceiling() {
        for value in [0.0004, 0.3, 1, 1.01, 2, 4.9, 5, 9, 10, 11, 999, 50_000_000] {
            let ceiling = Plot.ceiling(value)
            #expect(ceiling >= value && (value < 0.001 || ceiling <= value * 2.5 + 0.001), "\(value): \(ceiling)")
        }
    }

    @Test("and text write figures as people read them")
    func words() {
        #expect(
            [0, 999, 1000, 9_949, 50_123_456, 999_600_000, 3_000_000_000_000].map(Words.bytes) == [
                "0 B", "999 B", "1.0 kB", "9.9 kB", "50 MB", "1.0 GB", "3.0 TB",
            ]
        )
        #expect(Words.count(1_234_567) == "1\u{202F}234\u{202F}567" && Words.count(12) == "12")
        #expect(Words.minute(Timestamp(seconds: 0)) == "1970-01-01 00:00")
    }
}
