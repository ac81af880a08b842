import Foundation
import Glibc
import Model

/// What the kernel tells about this process; it never waits for a disk.
package struct ProcessFigures: Sendable {
  private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
  private static let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))

  private let root: String

  /// Makes the figures of the process whose files are in `root`; tests have files of their own.
  package init(root: String = "/proc") {
    self.root = root
  }

  /// The figures now; what the kernel doesn't tell is left out.
  package func families() -> [MetricFamily] {
    var found: [MetricFamily] = []
    if let fields = statFields(), fields.count > 21 {
      // The numbers of proc(5), counted from the state, which is the third field.
      if let user = Double(fields[11]), let system = Double(fields[12]) {
        found.append(MetricFamily(.processCPU, (user + system) / Self.ticksPerSecond))
      }
      if let pages = Double(fields[21]) {
        found.append(MetricFamily(.processResident, pages * Self.pageBytes))
      }
      if let bytes = Double(fields[20]) { found.append(MetricFamily(.processVirtual, bytes)) }
      if let ticks = Double(fields[19]), let boot = bootSeconds() {
        found.append(MetricFamily(.processStart, boot + ticks / Self.ticksPerSecond))
      }
    }
    if let files = try? FileManager.default.contentsOfDirectory(atPath: "\(root)/self/fd") {
      found.append(MetricFamily(.processOpenFiles, Double(files.count)))
    }
    if let most = mostFiles() { found.append(MetricFamily(.processMostFiles, most)) }
    return found
  }

  /// What follows the program's name, which may hold blanks and parentheses itself.
  private func statFields() -> [Substring]? {
    guard let text = text("self/stat"), let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].split(separator: " ")
  }

  private func bootSeconds() -> Double? {
    guard let line = line(of: "stat", startingWith: "btime ") else { return nil }
    return line.split(separator: " ").last.flatMap { Double($0) }
  }

  private func mostFiles() -> Double? {
    guard let line = line(of: "self/limits", startingWith: "Max open files") else { return nil }
    let numbers = line.split(separator: " ").compactMap { Double($0) }
    return numbers.first
  }

  private func line(of file: String, startingWith start: String) -> Substring? {
    text(file)?.split(separator: "\n").first { $0.hasPrefix(start) }
  }

  private func text(_ file: String) -> String? {
    FileManager.default.contents(atPath: "\(root)/\(file)")
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
