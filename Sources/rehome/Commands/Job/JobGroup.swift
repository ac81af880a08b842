import ArgumentParser

/// `rehome job …`.
struct JobGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job",
    abstract: "Jobs: what was accepted and what came of it.",
    subcommands: [
      JobList.self, JobShow.self, JobWatch.self, JobCancel.self, JobResolve.self,
      JobLimit.self,
    ]
  )
}
