import Hummingbird

/// Which methods a path answers: tells a wrong method (405) from a wrong path (404).
struct AllowedMethods: Sendable {
  private var routes: [(path: RouterPath, method: HTTPRequest.Method)] = []

  /// Adds a route; what answers GET answers HEAD as well.
  mutating func add(_ path: RouterPath, _ method: HTTPRequest.Method) {
    routes.append((path, method))
    if method == .get { routes.append((path, .head)) }
  }

  /// The methods of a path in alphabetical order; none when no route has it.
  func of(_ path: String) -> [String] {
    let parts = path.split(separator: "/")
    let matching = routes.filter { Self.matches($0.path, parts) }
    // A literal path is another resource than the one whose identifier it could be.
    let fewest = matching.map { Self.captures($0.path) }.min()
    let nearest = matching.filter { Self.captures($0.path) == fewest }
    return Set(nearest.map(\.method.rawValue)).sorted()
  }

  private static func matches(_ path: RouterPath, _ parts: [Substring]) -> Bool {
    path.count == parts.count && zip(path, parts).allSatisfy { $0 ~= $1 }
  }

  private static func captures(_ path: RouterPath) -> Int {
    path.count { $0.description.hasPrefix("{") }
  }
}
