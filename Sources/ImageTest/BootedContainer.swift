// SPDX-License-Identifier: Apache-2.0

/// A container of the image under test, in one of the ways that users run them.
protocol BootedContainer {
    /// Its name, which is its host name, too.
    var name: String { get }

    /// Makes it of the image's files.
    ///
    /// - Parameter userData: for cloud-init; nil for images without.
    /// - Returns: what the files were unpacked by.
    func create(userData: String?) throws(CheckFault) -> String
    /// Starts it; returns when its first process runs.
    func start() throws(CheckFault)
    /// The id of its first process.
    func process() throws(CheckFault) -> Int
    /// Runs a script inside.
    func attach(_ script: String, seconds: Int) throws(CheckFault) -> Tool.Result
    /// Asks it to end by itself.
    func stop(seconds: Int) throws(CheckFault)
    /// Ends it, whatever it does.
    func kill()
}
