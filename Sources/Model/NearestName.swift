// SPDX-License-Identifier: Apache-2.0

/// The name a user most likely meant, by edit distance; nil if none is close enough to be worth a suggestion.
package func nearestName(to word: String, among names: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    let best = names.map { (name: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
        .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    guard let best, best.distance <= limit else { return nil }
    return best.name
}

/// Levenshtein distance, with a swap of neighbours counted as one (optimal string alignment).
func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left)
    let right = Array(right)
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for i in left.indices {
        var current = [i + 1]
        for j in right.indices {
            var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (left[i] == right[j] ? 0 : 1))
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                cost = min(cost, beforePrevious[j - 1] + 1)
            }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}
