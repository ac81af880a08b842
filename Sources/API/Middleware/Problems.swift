import Hummingbird
import Model

/// Turns everything that goes wrong below it into a problem document.
struct Problems: RouterMiddleware {
  typealias Context = APIContext

  /// Makes the documents.
  let answers: ProblemAnswers

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      return try answers.answer(error, to: request, context.requestID, context.logger)
    }
  }
}
