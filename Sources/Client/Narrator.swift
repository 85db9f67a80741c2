// SPDX-License-Identifier: Apache-2.0

/// Where a long work says what it is doing.
package struct Narrator {
    /// Takes the lines that programs around LXC look for.
    package let progress: (String) -> Void
    /// Takes what the user should know, one line each.
    package let warn: (String) -> Void
    /// Takes how many bytes of a download there are, and how many there will be; called often.
    package let amount: (Int, Int) -> Void

    /// A narrator.
    package init(
        progress: @escaping (String) -> Void,
        warn: @escaping (String) -> Void,
        amount: @escaping (Int, Int) -> Void = { _, _ in }
    ) {
        self.progress = progress
        self.warn = warn
        self.amount = amount
    }
}
