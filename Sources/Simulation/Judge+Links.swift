import Hypervisor
import Model
import Synchronization
import TestSupport

extension Judge {
  /// What is wrong with the links of a target that may get disks which insist on the source's address.
  func links(_ domain: DomainDescription) -> [String] {
    let isDoubtful = world.hasDoubtfulLinks.withLock { isDoubtful in
      isDoubtful = isDoubtful || !isLinkAsPlanned
      return isDoubtful
    }
    guard world.scenario.insists, !isDoubtful, left != .needsOperator else { return [] }
    let cards = domain.interfaces + domain.inactiveInterfaces
    guard world.hasSourceDisk else {
      return cards.allSatisfy(\.linkUp) ? [] : ["a target with its own disk is off its network"]
    }
    // Of one that doesn't run or has no agent nobody can know.
    let isSeen = job.state == .completed && domain.state == .running && world.scenario.hasAgent
    return isSeen && cards.contains(where: \.linkUp)
      ? ["a target that shows another's address is on its network"] : []
  }

  /// Whether nothing has happened but that workers and hosts ended.
  private var isLinkAsPlanned: Bool {
    world.course.happened.allSatisfy { $0 == .killed || $0 == .powerLost }
  }
}
