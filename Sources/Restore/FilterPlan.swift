import Guest
import Hypervisor

/// What becomes of a restore's network filter after the restore, from what is seen.
struct FilterSight: Sendable, Equatable {
  /// Whether the disk that it was for isn't the target's any more.
  var isOver = false
  /// Whether nobody is asked about the target any more: it is terminated.
  var isForgotten = false
  /// Whether the target runs.
  var isActive = false
  /// Whether it has run for so long that its guest should have shown its addresses.
  var isLong = false
  /// Whether what runs is behind it.
  var isLive = false
  /// Whether the next start would be.
  var isDefined = false
  /// Whether saved memory may name it.
  var hasSavedMemory = false
  /// Whether links of the target are down because of an address that its guest showed.
  var isCut = false
  /// Whether they are for the disk that the filter is for.
  var isCutForThis = false
  /// Whether the target has the disk of another job.
  var isDiskGone = false
  /// What the guest's addresses say; nil: it shows none.
  var verdict: GuestCheck.Verdict?

  /// The decision table of filters.
  var move: FilterMove {
    if isCut, !isForgotten, let move = cutMove { return move }
    guard isLive || isDefined else { return hasSavedMemory ? .keep : .remove }
    if isOver { return .lift }
    if isForgotten { return isActive ? .keep : .lift }
    guard isActive else { return .renew }
    switch verdict {
    case .confirmed: return .lift
    case .foreign: return .cutLinks
    // A guest without an agent never shows any: it is filtered for a boot.
    case .mismatch, nil: return isDefined && isLong ? .liftFromDefinition : .keep
    }
  }

  /// The table of those whose links are down; nil: as of those whose aren't.
  ///
  /// What a guest shows that is off its network proves little: the filter stays until it shows the same with
  /// its links up.
  private var cutMove: FilterMove? {
    if isDiskGone { return isCutForThis ? .raiseLinks : nil }
    guard isActive else { return isDefined ? .renew : .keep }
    switch verdict {
    case .confirmed: return .raiseLinks
    case .foreign: return .cutLinks
    case .mismatch, nil: return .keep
    }
  }
}

/// What to do about a filter next.
enum FilterMove: Sendable, Equatable {
  /// Nothing now.
  case keep
  /// Make it what the registry says now: it waits for a start.
  case renew
  /// Take it from the definition, and let what runs stay behind it.
  case liftFromDefinition
  /// Take the target from behind it.
  case lift
  /// Set the links of the target down, which shows another VPS's address.
  case cutLinks
  /// Set up what was set down.
  case raiseLinks
  /// Remove it from the host: nothing names it.
  case remove
}
