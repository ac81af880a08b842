// swift-tools-version: 6.3
import PackageDescription

// Rules of this manifest: one section a role, everything sorted within it, and the Swift settings
// stand once, in the loop at the end. Nothing imports upward (see CONTRIBUTING.md).

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser",
  package: "swift-argument-parser"
)
let configuration: Target.Dependency = .product(
  name: "Configuration",
  package: "swift-configuration"
)
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(
  name: "HummingbirdCore",
  package: "hummingbird"
)
let hummingbirdHTTP2: Target.Dependency = .product(
  name: "HummingbirdHTTP2",
  package: "hummingbird"
)
let hummingbirdTesting: Target.Dependency = .product(
  name: "HummingbirdTesting",
  package: "hummingbird"
)
let lifecycle: Target.Dependency = .product(
  name: "ServiceLifecycle",
  package: "swift-service-lifecycle"
)
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1: Target.Dependency = .product(
  name: "NIOHTTPTypesHTTP1",
  package: "swift-nio-extras"
)
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let signals: Target.Dependency = .product(
  name: "UnixSignals",
  package: "swift-service-lifecycle"
)
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
  name: "rehome",
  products: [
    .executable(name: "rehome", targets: ["rehome"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(
      url: "https://github.com/apple/swift-configuration",
      from: "1.4.0",
      traits: ["YAML"]
    ),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // MARK: System libraries

    .systemLibrary(
      name: "CLibdeflate",
      pkgConfig: "libdeflate",
      providers: [.apt(["libdeflate-dev"])]
    ),
    .systemLibrary(
      name: "CLibnbd",
      pkgConfig: "libnbd",
      providers: [.apt(["libnbd-dev"])]
    ),
    .systemLibrary(
      name: "CLibvirt",
      pkgConfig: "libvirt",
      providers: [.apt(["libvirt-dev"])]
    ),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CSHA2"),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

    // MARK: One safe Swift target over each system library

    .target(name: "Checksum", dependencies: ["CLibdeflate", "CSHA2", crypto]),
    .target(name: "Libvirt", dependencies: ["CLibvirt"]),
    .target(name: "NBD", dependencies: ["CLibnbd"]),
    .target(name: "Zstd", dependencies: ["CZstd"]),

    // MARK: Values and rules

    .target(name: "Model", dependencies: [yams]),

    // MARK: Parts

    .target(
      name: "Catalog",
      dependencies: ["Model", crypto, grdb, logging]
    ),
    .target(
      name: "Datastore",
      dependencies: ["Checksum", "Disks", "Model", "Zstd", coreMetrics, logging]
    ),
    .target(
      name: "Disks",
      dependencies: ["CLinux", "Model", "NBD", logging, subprocess]
    ),
    .target(
      name: "Guest",
      dependencies: ["Disks", "Model", logging, subprocess, yams]
    ),
    .target(
      name: "Hypervisor",
      dependencies: ["Disks", "Libvirt", "Model", logging]
    ),

    // MARK: Work

    .target(
      name: "Jobs",
      dependencies: ["Catalog", "Disks", "Model", coreMetrics, lifecycle, logging]
    ),
    .target(
      name: "Operations",
      dependencies: [
        "Catalog", "Checksum", "Datastore", "Disks", "Guest", "Hypervisor", "Jobs", "Model",
        lifecycle, logging,
      ]
    ),
    .target(
      name: "Backup",
      dependencies: [
        "Catalog", "Checksum", "Datastore", "Disks", "Hypervisor", "Jobs", "Model", "Operations",
        logging,
      ]
    ),
    .target(
      name: "Care",
      dependencies: ["Catalog", "Datastore", "Disks", "Model", logging]
    ),
    .target(
      name: "Power",
      dependencies: ["Catalog", "Hypervisor", "Jobs", "Model", "Operations", logging]
    ),
    .target(
      name: "Restore",
      dependencies: [
        "Catalog", "Checksum", "Datastore", "Disks", "Guest", "Hypervisor", "Jobs", "Model",
        "Operations",
        logging,
      ]
    ),

    // MARK: Doors

    .target(
      name: "API",
      dependencies: [
        "Catalog", "Model", "Operations", coreMetrics, httpTypes, hummingbird, hummingbirdCore,
        hummingbirdHTTP2, lifecycle, logging, nioCore, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1,
        nioSSL, nioTLS,
      ]
    ),
    .target(
      name: "Monitoring",
      dependencies: [
        "Catalog", "Disks", "Model", "Operations", coreMetrics, hummingbird, hummingbirdCore,
        lifecycle, logging, nioCore,
      ]
    ),
    .executableTarget(
      name: "rehome",
      dependencies: [
        "API", "Backup", "Care", "Catalog", "Datastore", "Disks", "Guest", "Hypervisor", "Jobs",
        "Model", "Monitoring", "Operations", "Power", "Restore", argumentParser, configuration,
        coreMetrics, lifecycle, logging, signals, yams,
      ]
    ),

    // MARK: Measuring; no part of what is installed

    .executableTarget(
      name: "stages",
      dependencies: ["Checksum", "Datastore", "Disks", "Model", "Zstd"],
      path: "Benchmarks/Stages"
    ),

    // MARK: Simulation

    .executableTarget(name: "simulate", dependencies: ["Simulation"]),
    .target(
      name: "Simulation",
      dependencies: [
        "Backup", "Catalog", "Checksum", "Datastore", "Disks", "Guest", "Hypervisor", "Jobs",
        "Model", "Operations", "Power", "Restore", "TestSupport", logging,
      ]
    ),

    // MARK: Tests

    .target(
      name: "TestSupport",
      dependencies: ["Catalog", "Datastore", "Disks", "Hypervisor", "Model", logging]
    ),
    .testTarget(
      name: "APITests",
      dependencies: [
        "API", "Catalog", "Disks", "Model", "Monitoring", "Operations", "TestSupport", coreMetrics,
        httpTypes, hummingbird, hummingbirdTesting, lifecycle, logging, nioCore, nioPosix, nioSSL,
      ]
    ),
    .testTarget(
      name: "BackupTests",
      dependencies: [
        "Backup", "Catalog", "Checksum", "Datastore", "Disks", "Hypervisor", "Model", "TestSupport",
        logging,
      ]
    ),
    .testTarget(
      name: "CareTests",
      dependencies: [
        "Care", "Catalog", "Checksum", "Datastore", "Disks", "Model", "TestSupport", logging,
      ]
    ),
    .testTarget(
      name: "CatalogTests",
      dependencies: ["Catalog", "Model", "TestSupport", grdb]
    ),
    .testTarget(
      name: "DatastoreTests",
      dependencies: [
        "Checksum", "Datastore", "Disks", "Model", "Monitoring", "TestSupport", "Zstd",
      ]
    ),
    .testTarget(
      name: "DisksTests",
      dependencies: ["CLinux", "Disks", "Model", "NBD", "TestSupport"]
    ),
    .testTarget(name: "EndToEndTests", dependencies: ["Model", "TestSupport"]),
    .testTarget(
      name: "FuzzTests",
      dependencies: ["API", "Checksum", "Datastore", "Disks", "Guest", "Model", "rehome"]
    ),
    .testTarget(
      name: "GuestTests",
      dependencies: ["Disks", "Guest", "Model", "TestSupport", yams]
    ),
    .testTarget(
      name: "HypervisorTests",
      dependencies: ["Disks", "Hypervisor", "Model", "TestSupport"]
    ),
    .testTarget(
      name: "JobsTests",
      dependencies: ["Catalog", "Disks", "Jobs", "Model", "Monitoring", "TestSupport"]
    ),
    .testTarget(name: "ModelTests", dependencies: ["Model"]),
    .testTarget(
      name: "MonitoringTests",
      dependencies: [
        "Catalog", "Model", "Monitoring", "Operations", "TestSupport", coreMetrics, lifecycle,
        logging,
      ]
    ),
    .testTarget(
      name: "OperationsTests",
      dependencies: [
        "Catalog", "Hypervisor", "Model", "Operations", "TestSupport", lifecycle, logging,
      ]
    ),
    .testTarget(
      name: "PowerTests",
      dependencies: [
        "Catalog", "Hypervisor", "Jobs", "Model", "Operations", "Power", "TestSupport", logging,
      ]
    ),
    .testTarget(
      name: "ProgramTests",
      dependencies: [
        "API", "Catalog", "Datastore", "Hypervisor", "Model", "Monitoring", "rehome", logging,
      ]
    ),
    .testTarget(
      name: "RestoreTests",
      dependencies: [
        "Backup", "CLinux", "Catalog", "Checksum", "Datastore", "Disks", "Hypervisor", "Jobs",
        "Model", "Operations", "Power", "Restore", "TestSupport",
      ]
    ),
    .testTarget(name: "SimulationTests", dependencies: ["Model", "Simulation"]),
    .testTarget(name: "TidyTests"),
  ]
)

// The sanitizers look at the wrappers and the engines: what serves HTTP, and with it most of what is
// built, is left out for them (see Scripts/sanitize.sh).
if Context.environment["ENGINES_ONLY"] != nil {
  var dropped: Set = ["API", "Monitoring"]
  for target in package.targets {
    let needs = target.dependencies.contains { dependency in
      if case .byNameItem(let name, _) = dependency { dropped.contains(name) } else { false }
    }
    if needs { dropped.insert(target.name) }
  }
  package.products = []
  package.targets.removeAll { dropped.contains($0.name) }
}

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
