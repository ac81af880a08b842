// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that sanitizers build what reads foreign bytes and nothing else. Its
// sources are links to the program's: what is fuzzed is what is installed.

let configuration: Target.Dependency = .product(
  name: "Configuration",
  package: "swift-configuration"
)
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
  name: "fuzz",
  dependencies: [
    .package(
      url: "https://github.com/apple/swift-configuration",
      from: "1.4.0",
      traits: ["YAML"]
    ),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // MARK: System libraries

    .systemLibrary(name: "CLibnbd", pkgConfig: "libnbd"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CSHA2"),
    .systemLibrary(name: "CLibdeflate", pkgConfig: "libdeflate"),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd"),

    // MARK: Whole targets of the program

    .target(name: "Checksum", dependencies: ["CLibdeflate", "CSHA2", crypto]),
    .target(
      name: "Datastore",
      dependencies: ["Checksum", "Disks", "Model", "Zstd", coreMetrics, logging]
    ),
    .target(name: "Disks", dependencies: ["CLinux", "Model", "NBD", logging, subprocess]),
    .target(name: "Guest", dependencies: ["Disks", "Model", logging, subprocess, yams]),
    .target(name: "Model", dependencies: [yams]),
    .target(name: "NBD", dependencies: ["CLibnbd"]),
    .target(name: "Zstd", dependencies: ["CZstd"]),

    // MARK: Those files of a target that read foreign bytes; the rest would bring an HTTP server

    .target(name: "API", dependencies: ["Model"]),
    .target(name: "Monitoring"),
    .target(
      name: "rehome",
      dependencies: ["API", "Datastore", "Model", "Monitoring", configuration, logging, yams]
    ),

    // MARK: What runs

    .target(
      name: "Entries",
      dependencies: [
        "API", "Checksum", "Datastore", "Disks", "Guest", "Model", "Zstd", "rehome",
      ]
    ),
    .executableTarget(name: "fuzz", dependencies: ["Entries"]),
  ]
)

for target in package.targets where target.type != .system {
  target.swiftSettings = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ]
}
