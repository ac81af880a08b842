import Foundation

extension DebianGuest {
  /// Who the guest says that it is.
  package struct Identity: Sendable, Equatable {
    /// Its host name.
    package let hostname: String
    /// The addresses of its network card that others can reach.
    package let addresses: [String]
    /// The hardware address of its network card.
    package let mac: String
    /// The content of `/etc/machine-id`.
    package let machineID: String
    /// The fingerprint of its SSH host key.
    package let hostKey: String
    /// The instance id that cloud-init acted upon last.
    package let instanceID: String
  }

  /// Asks the guest who it is.
  package func identity() async throws -> Identity {
    let text = try await shell(
      """
      hostname
      ip -o address show dev eth0 scope global | awk '{ printf "%s ", $4 }'; echo
      cat /sys/class/net/eth0/address
      cat /etc/machine-id
      ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2
      cat /var/lib/cloud/data/instance-id
      """
    )
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.count >= 6 else {
      throw TestProcess.Failure(command: "identity of \(name)", output: text)
    }
    return Identity(
      hostname: lines[0],
      addresses: lines[1].split(separator: " ").map(String.init),
      mac: lines[2],
      machineID: lines[3],
      hostKey: lines[4],
      instanceID: lines[5]
    )
  }

  /// Runs a program in the guest by its agent and returns what it printed.
  ///
  /// - Throws: `TestProcess.Failure` with its output if it ends with anything but 0.
  @discardableResult
  package func run(_ command: [String]) async throws -> String {
    let program = try json(command.first ?? "")
    let arguments = try command.dropFirst().map(json).joined(separator: ",")
    let started = try await ask(
      Started.self,
      """
      {"execute":"guest-exec","arguments":{"path":\(program),"arg":[\(arguments)],\
      "capture-output":true}}
      """
    )
    let question = #"{"execute":"guest-exec-status","arguments":{"pid":\#(started.pid)}}"#
    var printed = ""
    try await poll("\(command) did not end in \(name)") {
      let status = try await self.ask(Status.self, question)
      guard status.exited else { return false }
      printed = Self.text(status.out)
      guard status.exitcode == 0 else {
        throw TestProcess.Failure(
          command: command.joined(separator: " "),
          output: printed + Self.text(status.error)
        )
      }
      return true
    }
    return printed
  }

  /// Runs a shell command in the guest by its agent and returns what it printed.
  @discardableResult
  package func shell(_ command: String) async throws -> String {
    try await run(["/bin/sh", "-c", command])
  }

  /// Writes a text into a file of the guest, through to its disk.
  package func write(_ text: String, to path: String) async throws {
    let encoded = Data(text.utf8).base64EncodedString()
    try await shell("echo \(encoded) | base64 -d > '\(path)' && sync")
  }

  /// Reads a file of the guest.
  package func read(_ path: String) async throws -> String {
    try await run(["/bin/cat", path])
  }

  /// Sends one command to the agent.
  package func agent(_ command: String) async throws -> String {
    try await libvirt.virsh("qemu-agent-command", name, "--timeout", "10", command)
  }

  private struct Answer<Value: Decodable>: Decodable {
    let `return`: Value
  }

  private struct Started: Decodable {
    let pid: Int
  }

  private struct Status: Decodable {
    let exited: Bool
    let exitcode: Int?
    let out: String?
    let error: String?

    enum CodingKeys: String, CodingKey {
      case exited
      case exitcode
      case out = "out-data"
      case error = "err-data"
    }
  }

  private func ask<Value: Decodable>(_ type: Value.Type, _ command: String) async throws -> Value {
    let text = try await agent(command)
    return try JSONDecoder().decode(Answer<Value>.self, from: Data(text.utf8)).return
  }

  private static func text(_ encoded: String?) -> String {
    String(decoding: encoded.flatMap { Data(base64Encoded: $0) } ?? Data(), as: UTF8.self)
  }

  private func json(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
  }
}
