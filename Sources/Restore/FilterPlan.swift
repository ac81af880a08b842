import Guest
import Hypervisor

/// What becomes of a restore's network filter after the restore, from what is seen.
struct FilterSight: Sendable, Equatable {
  /// Whether the disk that it was for isn't the target's any more.
  var isOver = false
  /// Whether the target runs.
  var isActive = false
  /// Whether what runs is behind it.
  var isLive = false
  /// Whether the next start would be.
  var isDefined = false
  /// Whether saved memory may name it.
  var hasSavedMemory = false
  /// What the guest's addresses say; nil: it shows none.
  var verdict: GuestCheck.Verdict?

  /// The decision table of filters.
  var move: FilterMove {
    guard isLive || isDefined else { return hasSavedMemory ? .keep : .remove }
    if isOver { return .lift }
    guard isActive else { return .keep }
    // Lifted by hand, or set while the target was being started: that start was the one.
    guard isLive else { return .liftFromDefinition }
    switch verdict {
    case .confirmed: return .lift
    case .foreign: return .cutLinks
    // A guest without an agent never shows any: it is filtered for one boot.
    case .mismatch, nil: return isDefined ? .liftFromDefinition : .keep
    }
  }
}

/// What to do about a filter next.
enum FilterMove: Sendable, Equatable {
  /// Nothing now.
  case keep
  /// Take it from the definition, and let what runs stay behind it.
  case liftFromDefinition
  /// Take the target from behind it.
  case lift
  /// Set the links of the target down, which shows another VPS's address.
  case cutLinks
  /// Remove it from the host: nothing names it.
  case remove
}
