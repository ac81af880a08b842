import Model
import Operations

/// A gate: `reason` and `code` are null when it is open.
struct GateWire: Encodable {
  let allowed: Bool
  @NullWhenNil var reason: String?
  @NullWhenNil var code: String?

  init(_ gate: Gate) {
    allowed = gate.allowed
    reason = gate.reason
    code = gate.code
  }
}

/// The gates of a VPS, one word an action.
struct GatesWire: Encodable {
  let canStart: GateWire
  let canStop: GateWire
  let canShutdown: GateWire
  let canRestart: GateWire
  let canReset: GateWire
  let canCreateBackup: GateWire
  let canRestore: GateWire
  let canRestoreFromAnotherVps: GateWire

  init(_ gates: Gates) {
    canStart = GateWire(gates.canStart)
    canStop = GateWire(gates.canStop)
    canShutdown = GateWire(gates.canShutdown)
    canRestart = GateWire(gates.canRestart)
    canReset = GateWire(gates.canReset)
    canCreateBackup = GateWire(gates.canCreateBackup)
    canRestore = GateWire(gates.canRestore)
    canRestoreFromAnotherVps = GateWire(gates.canRestoreFromAnotherVPS)
  }
}
