import ArgumentParser

/// `rehome doctor`.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Tells what this host can do for Rehome, and what to install.",
    discussion: """
      Scratch files are made and removed in data.path and beside the disks of this node's VPSs. \
      The exit code is 5 when something that Rehome needs isn't there.
      """
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let settings = try await options.settings()
    let examination = Examination(settings: settings, logger: ProgramLog.quiet(settings.logLevel))
    let findings = await examination.findings()
    Console(isJSON: options.json).show(.list(findings.map(\.json))) { Self.words(findings) }
    let failures = findings.filter { $0.verdict == .fail }.count
    guard failures == 0 else { throw CommandFailure.notReady(count: failures) }
  }

  private static func words(_ findings: [Finding]) -> String {
    var table = Table("", "", "")
    for finding in findings {
      let remedy = finding.remedy.map { " → \($0)" } ?? ""
      table.add(finding.verdict.rawValue, finding.name, finding.detail + remedy)
    }
    return table.text(whenEmpty: "Nothing was examined.")
  }
}
