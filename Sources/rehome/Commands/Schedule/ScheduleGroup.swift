import ArgumentParser

/// `rehome schedule …`.
struct ScheduleGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Backups that are made by themselves, and how many of them are kept.",
    subcommands: [ScheduleList.self, ScheduleAdd.self, ScheduleEdit.self, ScheduleRemove.self]
  )
}
