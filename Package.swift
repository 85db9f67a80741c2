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
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency],
    path: String? = nil,
    exclude: [String] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["TestSupport"],
        path: path,
        exclude: exclude,
        swiftSettings: strict
    )
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
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries: a module map and thin typed shims, nothing else.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CGPGME", pkgConfig: "gpgme", providers: [.apt(["libgpgme-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(
            name: "CLinux",
            cSettings: [
                .define("_GNU_SOURCE"), .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
            ]
        ),

        // The house: arrows point downward only.
        library("Model", [crypto]),
        library("OpenPGP", ["Model", "CGPGME", system, crypto]),
        library("Archive", ["Model", "CArchive", "CZlib", "CZstd", "CLinux", system]),
        library("Transfer", ["Model", "CCurl"]),
        library("Definition", ["Model", .product(name: "Yams", package: "Yams")]),
        library("Nightly", ["Definition", "Model"]),
        library("Builder", ["Definition", "Transfer", "Archive", "OpenPGP", "Model", "CLinux", system]),
        library("ImageTest", ["Definition", "Archive", "Model", "CLinux", system]),
        .target(
            name: "Pages",
            dependencies: ["Model", .product(name: "Mustache", package: "swift-mustache")],
            resources: [.embedInCode("web")],
            swiftSettings: strict
        ),
        library("Repository", ["Archive", "OpenPGP", "Transfer", "Model", "CLinux", system]),
        library("Client", ["Archive", "OpenPGP", "Transfer", "Model", "CLinux", system]),
        library(
            "Server",
            [
                "Archive", "Model", "CLinux", system, crypto, logging, lifecycle,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]
        ),
        library("ClientCommands", ["Client", "Archive", "OpenPGP", "Transfer", "Model", system, argumentParser]),
        library(
            "Commands",
            [
                "ClientCommands", "Archive", "Builder", "Definition", "ImageTest", "Nightly", "OpenPGP", "Pages",
                "Repository",
                "Server", "Client",
                "Transfer",
                "Model", system,
                argumentParser, logging, lifecycle,
            ]
        ),
        program("rootcellar", ["Commands", "ClientCommands"]),
        program("rootcellar-client", ["ClientCommands"]),
        program("rootcellar-unpack", ["Archive", "Model", "CLinux", system]),
        program("rootcellar-sandbox", ["CLinux"]),

        // What the tests share: scratch directories, real programs, real and hostile servers.
        .target(
            name: "TestSupport",
            dependencies: [
                "CLinux", system,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("ModelTests", ["Model", system]),
        tests("OpenPGPTests", ["OpenPGP", "Model", system]),
        tests("ArchiveTests", ["Archive", "Model", system]),
        tests("TransferTests", ["Transfer", "Model", system]),
        tests("DefinitionTests", ["Definition", "Model"]),
        tests("NightlyTests", ["Nightly", "Definition", "Model"]),
        tests("BuilderTests", ["Builder", "Definition", "Archive", "Model", "rootcellar-sandbox", system]),
        tests("PagesTests", ["Pages", "SiteSupport", "Model"]),
        tests("RepositoryTests", ["Repository", "Transfer", "Archive", "OpenPGP", "Model", system]),
        tests("ClientTests", ["Client", "Archive", "Transfer", "Model", system]),
        tests(
            "ServerTests",
            [
                "Server", "Archive", "Model", "CLinux", system, logging, lifecycle,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ]
        ),
        // A publisher, its server and container hosts, all driven through the programs.
        .target(
            name: "SiteSupport",
            dependencies: ["Archive", "Model", "OpenPGP", "Repository", "TestSupport", system],
            path: "Tests/SiteSupport",
            swiftSettings: strict
        ),
        tests(
            "IntegrationTests",
            ["SiteSupport", "Archive", "Model", "OpenPGP", "Pages", "Repository", system],
            path: "Tests/Integration",
            exclude: ["Definitions", "Scripts"]
        ),
        // Readers of bytes from outside, for libFuzzer and for the hostile tests.
        .target(
            name: "FuzzTargets",
            dependencies: ["Archive", "Client", "Definition", "Model", "Nightly", "OpenPGP", "Transfer"],
            path: "Tests/Fuzz",
            swiftSettings: strict
        ),
        tests(
            "HostileTests",
            ["SiteSupport", "FuzzTargets", "Archive", "Model", "OpenPGP", "Repository", system],
            path: "Tests/Hostile"
        ),
    ],
    swiftLanguageModes: [.v6]
)
