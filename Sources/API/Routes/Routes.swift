import Hummingbird
import Model
import Operations

/// Every route of the API, in the order of their paths.
struct Routes {
  /// Those that anybody may ask.
  let open: [any OpenRoute]
  /// Those that need a key.
  let forCallers: [any CallerRoute]
  /// What they say of themselves, put together.
  let document: OpenAPIDocument

  /// Makes every route over the use cases.
  init(
    operations: Operations,
    readiness: Readiness,
    events: JobEvents,
    clock: any WallClock,
    typeBase: String
  ) {
    let described: [any OpenRoute] = [
      HealthRoute(),
      ReadyRoute(readiness: readiness),
      ErrorRoute(typeBase: typeBase),
    ]
    forCallers = [
      JobRoute(operations: operations, clock: clock, typeBase: typeBase),
      JobEventsRoute(
        operations: operations,
        events: events,
        text: EventText(typeBase: typeBase, clock: clock),
        clock: clock
      ),
      CancelJobRoute(operations: operations),
      UndoJobRoute(operations: operations),
      VPSListRoute(operations: operations),
      VPSRoute(operations: operations),
      VPSDetailsRoute(operations: operations),
      VPSStatusRoute(operations: operations),
      StartRoute(operations: operations),
      ShutdownRoute(operations: operations),
      StopRoute(operations: operations),
      RestartRoute(operations: operations),
      ResetRoute(operations: operations),
      ScheduleListRoute(operations: operations),
      CreateScheduleRoute(operations: operations),
      EditScheduleRoute(operations: operations),
      DeleteScheduleRoute(operations: operations),
      BackupListRoute(operations: operations),
      CreateBackupRoute(operations: operations),
      DeleteBackupRoute(operations: operations),
      RestoreSourcesRoute(operations: operations),
      RestoreFromVPSRoute(operations: operations),
      RestoreRoute(operations: operations),
    ]
    // These two tell of every route, themselves included.
    document = OpenAPIDocument(
      (described + [OpenAPIRoute(text: ""), ReferenceRoute(page: "")]).map { type(of: $0) }
        + forCallers.map { type(of: $0) }
    )
    open =
      described + [
        OpenAPIRoute(text: document.json.encoded()),
        ReferenceRoute(page: ReferencePage.render(document)),
      ]
  }

  private var types: [any Route.Type] {
    open.map { type(of: $0) } + forCallers.map { type(of: $0) }
  }

  /// Each route as its method and path.
  var names: [String] { types.map { "\($0.method) \($0.path)" } }

  /// Which methods each path answers.
  var allowedMethods: AllowedMethods {
    var methods = AllowedMethods()
    for route in types { methods.add(route.path, route.method) }
    return methods
  }

  /// Adds the routes to a router: a caller is known, has requests left and has the scope before a
  /// handler runs.
  func register(
    on router: Router<APIContext>,
    authentication: Authentication,
    addressLimits: AddressLimits,
    keyLimits: KeyLimits
  ) {
    for route in open {
      let isCounted = type(of: route).isCounted
      router.on(type(of: route).path, method: type(of: route).method) { request, context in
        guard isCounted else { return try await route.answer(request, context) }
        return try await addressLimits.admit(request, context) {
          try await route.answer(request, context)
        }
      }
    }
    let callers = router.group().add(middleware: authentication).group(context: CallerContext.self)
    for route in forCallers {
      let scope = type(of: route).scope
      let eligible = type(of: route).eligible
      let kind = type(of: route).rateClass
      callers.on(type(of: route).path, method: type(of: route).method) { request, context in
        try await keyLimits.admit(request, context, as: kind) {
          if let scope { try context.caller.require(scope) }
          if !eligible.isEmpty { try context.caller.require(oneOf: eligible) }
          return try await route.answer(request, context)
        }
      }
    }
  }
}
