/// How long calls to libvirt may take before we stop waiting for their answer.
enum CallLimits {
  /// Looks and changes that QEMU needs no time for.
  static let ordinary = Duration.seconds(30)
  /// A start waits for QEMU to come up, on a loaded host.
  static let start = Duration.seconds(120)
  /// libvirt itself gives QEMU up to half a minute to end.
  static let destroy = Duration.seconds(60)
  /// libvirt answers an agent shutdown only when the guest is down, up to a minute later; the
  /// request is long delivered then.
  static let agentShutdown = Duration.seconds(10)
  /// What an agent gets for a short answer, where the caller doesn't say.
  static let agentAnswer = Duration.seconds(5)
  /// How much longer than the agent's own limit a call may take before we give up on libvirt.
  static let agentGrace = Duration.seconds(10)
  /// What a look gets at least, even at the very end of a wait.
  static let lastLook = Duration.seconds(1)
  /// How long nothing need happen before a waiting caller looks by itself.
  static let pollInterval = Duration.milliseconds(500)
  /// How long we wait before looking again at what takes libvirt a moment and has no event.
  static let shortPoll = Duration.milliseconds(20)
  /// How many calls run at the same time.
  static let width = 8
  /// How many events wait for a reader that is slow.
  static let eventBuffer = 256
  /// How many network cards, and addresses of each, we believe a guest.
  static let guestInterfaces = 64
  /// What the agent gets to tell its system: it is asked again a minute later.
  static let agentSystem = Duration.seconds(2)
  /// How many characters of each of a guest's names we take.
  static let guestWordCharacters = 128
  /// How many bytes of JSON we take from a guest for an answer of a few words.
  static let agentAnswerBytes = 64 * 1024
}
