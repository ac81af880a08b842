import Entries
import Foundation

/// Reads every file of the corpus, each by two readers at once, so that sanitizers see what they do
/// to memory and to each other.
@main
enum Corpus {
  static func main() async {
    let folder = CommandLine.arguments.dropFirst().first ?? "corpus"
    var count = 0
    for format in Format.allCases {
      for path in files(of: format, in: folder) {
        guard let content = FileManager.default.contents(atPath: path) else {
          preconditionFailure("\(path) can't be read")
        }
        let bytes = [UInt8](content)
        async let one: Void = format.check(bytes)
        async let other: Void = format.check(bytes)
        _ = await (one, other)
        count += 1
      }
    }
    print("figure corpus-files \(count)")
  }

  private static func files(of format: Format, in folder: String) -> [String] {
    let place = "\(folder)/\(format.rawValue)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
    precondition(!names.isEmpty, "\(place) holds no files")
    return names.sorted().map { "\(place)/\($0)" }
  }
}
