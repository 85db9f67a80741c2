// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// One list for every Swift target, tests included: what the compiler can prove, it proves.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: strict)
}

let package = Package(
    name: "rootcellar",
    products: [
        .executable(name: "rootcellar", targets: ["rootcellar"]),
        .executable(name: "rootcellar-client", targets: ["rootcellar-client"]),
        .executable(name: "rootcellar-unpack", targets: ["rootcellar-unpack"]),
        .executable(name: "rootcellar-sandbox", targets: ["rootcellar-sandbox"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // System libraries: a module map and thin typed shims, nothing else.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CGPGME", pkgConfig: "gpgme", providers: [.apt(["libgpgme-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE"), .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),

        // The house: arrows point downward only.
        library("Model", [crypto]),
        library("OpenPGP", ["Model", "CGPGME", system]),
        library("Archive", ["Model", "CArchive", "CZstd", "CLinux", system]),
        library("Transfer", ["Model", "CCurl"]),
        library("Definition", ["Model", .product(name: "Yams", package: "Yams")]),
        library(
            "Builder",
            ["Definition", "Archive", "OpenPGP", "Model", "CLinux", system,
             .product(name: "Subprocess", package: "swift-subprocess")]),
        library("Repository", ["Archive", "OpenPGP", "Model", "CLinux", system]),
        library("Client", ["Archive", "OpenPGP", "Transfer", "Model", "CLinux", system]),
        library(
            "Server",
            ["Model", "CLinux", system, logging,
             .product(name: "Hummingbird", package: "hummingbird"),
             .product(name: "HummingbirdTLS", package: "hummingbird"),
             .product(name: "HummingbirdHTTP2", package: "hummingbird"),
             .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")]),
        library("ClientCommands", ["Client", "Model", argumentParser]),
        library("Commands", ["ClientCommands", "Builder", "Repository", "Server", argumentParser]),
        program("rootcellar", ["Commands"]),
        program("rootcellar-client", ["ClientCommands"]),
        program("rootcellar-unpack", ["Archive", "CLinux"]),
        program("rootcellar-sandbox", ["CLinux"]),
    ],
    swiftLanguageModes: [.v6]
)
