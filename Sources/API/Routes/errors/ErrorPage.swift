import Model

/// The page that explains a code; it needs nothing from anywhere else.
struct ErrorPage {
  /// What it explains.
  let code: ErrorCode
  /// What stands before a problem's code in its type; an operator's own text.
  let typeBase: String

  /// The whole page.
  var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>\(Self.escaped(code.title)) · \(code.rawValue)</title>
    <style>
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem;
      color: #1b1f24; background: #fff }
    code { background: #f0f1f3; padding: .1em .3em; border-radius: .2em; overflow-wrap: anywhere }
    dt { font-weight: 600; margin-top: 1rem } dd { margin: 0 }
    @media (prefers-color-scheme: dark) {
      body { color: #e6e8eb; background: #15181c } code { background: #262b31 } }
    </style>
    </head>
    <body>
    <h1>\(Self.escaped(code.title))</h1>
    <dl>
    <dt>Code</dt><dd><code>\(code.rawValue)</code></dd>
    <dt>Type</dt><dd><code>\(Self.escaped(typeBase + code.rawValue))</code></dd>
    <dt>Status</dt><dd>\(status)</dd>
    <dt>What it means</dt><dd>\(Self.escaped(code.meaning))</dd>
    <dt>What to do</dt><dd>\(Self.escaped(code.remedy))</dd>
    </dl>
    </body>
    </html>

    """
  }

  private var status: String {
    guard let status = code.status else { return "none: it is the last word of a failed job" }
    return code == .invalidRequest ? "\(status); 431 when the headers are too large" : "\(status)"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
