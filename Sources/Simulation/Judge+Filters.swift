import Hypervisor
import Model
import TestSupport

extension Judge {
  /// What is wrong with the filters of first boots.
  func filters(_ domain: DomainDescription) async -> [String] {
    let known = await world.hypervisor.filters
    let named = (domain.interfaces + domain.inactiveInterfaces).compactMap(\.filter)
    var found = named.filter { known[$0] == nil }.map { "the filter \($0) is named but gone" }
    let isOwn = domain.inactiveInterfaces.contains { $0.filter == "rehome-\(job.id)" }
    if isFirstBootAhead, !domain.state.isActive, !isOwn {
      found.append("a target that is off would boot another's disk without a filter")
    }
    if isOwnAgain, isUndisturbed, !named.isEmpty {
      found.append("a target with its own disk is behind a filter")
    }
    return found
  }

  private var isFirstBootAhead: Bool {
    guard case .restore(let task) = job.task, task.sourceVPSID != job.vpsID else { return false }
    return world.scenario.filtersFirstBoots && job.state == .completed && isUndisturbed
  }

  /// Whether the first of the restores was taken back.
  private var isOwnAgain: Bool {
    before.isUndo && job.state == .completed && before.formerAct == 0
  }

  /// Whether nothing has happened but the ends of workers, which others make good.
  private var isUndisturbed: Bool {
    world.course.happened.allSatisfy { $0 == .killed }
  }
}
