/// Does something for many items, several at a time, in no promised order.
package enum BoundedWalk {
  /// Does `body` for every item; `each` hears of each one that is done, one at a time, and stops the
  /// walk by throwing, as does a failure.
  ///
  /// Items begin in their order. What is under way when the walk stops is cancelled and waited for.
  package static func run<Item: Sendable, Value: Sendable, Failure: Error>(
    _ items: [Item],
    width: Int,
    each: (_ item: Item, Value) throws(Failure) -> Void,
    body: @escaping @Sendable (Item) async throws(Failure) -> Value
  ) async throws(Failure) {
    typealias Done = Result<(item: Item, value: Value), Failure>
    let stop = await withTaskGroup(of: Done.self) { group -> Failure? in
      var rest = items[...]
      func add() {
        guard let item = rest.popFirst() else { return }
        // One task an item that is under way, never more than `width`.
        group.addTask {
          do throws(Failure) {
            // By itself: an optimised build of Swift 6.3 spoils a tuple that is begun before it waits.
            let value = try await body(item)
            return .success((item, value))
          } catch {
            return .failure(error)
          }
        }
      }
      for _ in 0..<width { add() }
      while let result = await group.next() {
        do throws(Failure) {
          let done = try result.get()
          try each(done.item, done.value)
        } catch {
          group.cancelAll()
          return error
        }
        add()
      }
      return nil
    }
    if let stop { throw stop }
  }
}
