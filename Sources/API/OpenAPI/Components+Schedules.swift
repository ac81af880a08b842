extension Components {
  static let schedules: [Component] = []
}
