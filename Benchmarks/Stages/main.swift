import Foundation

/// `stages IMAGE FOLDER` measures the stages on chunks of a raw disk; what it writes goes into the
/// folder and is removed again.
guard CommandLine.arguments.count == 3 else {
  FileHandle.standardError.write(Data("usage: stages IMAGE FOLDER\n".utf8))
  exit(2)
}
let (image, folder) = (CommandLine.arguments[1], CommandLine.arguments[2])
try await StageBench(try await Sample(of: image), folder: folder).run()
