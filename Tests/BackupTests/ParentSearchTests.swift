import Model
import Testing

@testable import Backup

/// What a search for a parent means where one bitmap is read by itself.
struct ParentSearchTests {
  private static let parent = ParentSearch.parent(
    ChainParent(checkpointName: "rehome-a", disks: [], indexes: [:])
  )

  @Test(arguments: [["rehome-a", "rehome-b"], ["rehome-b"], ["rehome-a", "nightly"], []])
  func `a parent with anything beside it isn't trusted`(_ names: [String]) {
    guard case .none(.checkpointLost) = Self.parent.alone(among: names) else {
      Issue.record("trusted among \(names)")
      return
    }
  }

  @Test func `a parent that is alone is trusted, and none stays none`() {
    guard case .parent(let found) = Self.parent.alone(among: ["rehome-a"]) else {
      Issue.record("not trusted")
      return
    }
    #expect(found.checkpointName == "rehome-a")
    guard case .none(.parentDeleted) = ParentSearch.none(.parentDeleted).alone(among: []) else {
      Issue.record("another reason")
      return
    }
  }
}
