import API
import Foundation

@testable import rehome

/// The configuration file.
enum SettingsEntry {
  static func check(_ bytes: [UInt8]) async {
    let place = FileManager.default.temporaryDirectory
      .appending(path: "rehome-fuzz-\(UUID().uuidString).yaml")
    let path = place.path(percentEncoded: false)
    guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
      preconditionFailure("\(path) can't be written")
    }
    defer { try? FileManager.default.removeItem(at: place) }
    do throws(SettingsFault) {
      let settings = try await SettingsReader.read(file: path, environment: [:], overrides: [])
      check(settings)
    } catch {
      let longest = bytes.count * 8 + 16_384
      precondition(error.sentence.utf8.count <= longest, "a fault takes pages to tell")
    }
  }

  private static func check(_ settings: Settings) {
    precondition((0...65_535).contains(settings.api.port), "a port that isn't one")
    let metrics = settings.metrics?.port ?? 0
    precondition((0...65_535).contains(metrics), "a port that isn't one")
    precondition(settings.worker.concurrency > 0, "a worker that never works")
    precondition(settings.worker.attempts > 0, "a restore that is never tried")
    precondition(settings.restore.undoWindow >= .zero, "a window that ends before it begins")
    precondition(settings.api.connections.maximum > 0, "a server that nobody reaches")
    for path in [settings.storage.dataPath, settings.storage.datastorePath] {
      precondition(path.hasPrefix("/"), "a path that depends on where one stands")
      let parts = path.split(separator: "/")
      precondition(!parts.contains("..") && !parts.contains("."), "a path that leads back")
    }
  }
}
