import Catalog
import Datastore
import Hypervisor
import Model

/// Every way in which a command ends badly; `exitStatus` maps it to the exit code.
enum CommandFailure: Error, Sendable {
  /// The command line is wrong; the text says how.
  case usage(String)
  /// The configuration is wrong.
  case settings(SettingsFault)
  /// A file named on the command line can't be used.
  case file(path: String, reason: String)
  /// A rule said no.
  case refused(Refusal)
  /// The domain has an operator's seed, which nobody allowed to take over.
  case seedNotAdopted(path: String)
  /// The domain has an operator's seed that can't be taken over.
  case seedNotUsable(path: String, reason: String)
  /// A folder that Rehome needs is somebody else's, or isn't a folder.
  case unsafePlace(path: String, reason: String)
  /// Something named isn't there; the sentence says what.
  case missing(String)
  /// The job ended badly.
  case jobFailed(Job)
  /// Nobody alive does the node's jobs.
  case noWorker(node: String, consequence: String)
  /// libvirt can't be reached, or said no.
  case hypervisor(HypervisorError)
  /// The catalog can't be reached.
  case catalog(CatalogError)
  /// The datastore can't be reached.
  case datastore(DatastoreError)
  /// A task on the datastore ended badly; the sentence says how.
  case storeTaskFailed(String)
  /// A folder that Rehome needs can't be made or entered.
  case place(path: String, reason: String)
  /// The host lacks something that Rehome needs; the report has said what.
  case notReady(count: Int)
  /// A service of the server ended by itself.
  case stopped(String)
}

extension CommandFailure {
  /// The stable word for it, in the words of the API where it has one.
  var code: String {
    switch self {
    case .usage: "usage"
    case .settings: "invalid_configuration"
    case .file: "invalid_file"
    case .refused(let refusal): refusal.code
    case .seedNotAdopted: "seed_not_adopted"
    case .seedNotUsable: "seed_not_usable"
    case .unsafePlace: "unsafe_place"
    case .missing: "not_found"
    case .jobFailed(let job): job.failure?.code.rawValue ?? "internal_error"
    case .noWorker: "no_worker"
    case .hypervisor(.domainMissing): "domain_missing"
    case .hypervisor(.refused), .hypervisor(.invalidXML): "hypervisor_refused"
    case .hypervisor(.unavailable), .hypervisor(.timedOut), .hypervisor(.agentUnavailable):
      "hypervisor_unavailable"
    case .catalog: "catalog_unavailable"
    case .datastore: "datastore_unavailable"
    case .storeTaskFailed: "datastore_task_failed"
    case .place: "place_unavailable"
    case .notReady: "not_ready"
    case .stopped: "stopped"
    }
  }

  /// What happened and what to do, in one sentence or two.
  var sentence: String {
    switch self {
    case .usage(let text), .missing(let text), .stopped(let text), .storeTaskFailed(let text): text
    case .settings(let fault): fault.sentence
    case .file(let path, let reason): "The file \(path) can't be used: \(reason)"
    case .refused(let refusal): refusal.words
    case .seedNotAdopted(let path):
      "The domain already has a cloud-init seed at \(path). "
        + "Give --adopt-seed to let Rehome take it over with its user-data."
    case .seedNotUsable(let path, let reason):
      "The cloud-init seed at \(path) can't be taken over: \(reason)"
    case .unsafePlace(let path, let reason), .place(let path, let reason):
      "\(path) can't be used: \(reason)"
    case .jobFailed(let job): JobText.lastWord(job)
    case .noWorker(let node, let consequence):
      "No worker of node \(node) has been seen lately. \(consequence) "
        + "Start one with `rehome serve` or `rehome worker`."
    case .hypervisor(let error): error.words
    case .catalog(let error): error.words
    case .datastore(let error): error.sentence
    case .notReady(let count):
      count == 1
        ? "One thing that Rehome needs isn't there; the line marked fail says which."
        : "\(count) things that Rehome needs aren't there; the lines marked fail say which."
    }
  }

  /// The object that `--json` writes to standard error.
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "code": .text(code), "detail": .text(sentence),
      "exitCode": .integer(Int64(exitStatus.rawValue)),
    ]
    switch self {
    case .refused(.invalidRequest(let faults)):
      members["errors"] = .list(
        faults.map {
          [
            "pointer": .text($0.pointer), "code": .text($0.code.rawValue),
            "detail": .text($0.detail),
          ]
        }
      )
    case .refused(.vpsNotReady(let reason, let job)):
      members["reason"] = .text(reason.rawValue)
      if let job { members["jobId"] = JSONValue(job) }
    case .jobFailed(let job):
      members["jobId"] = JSONValue(job.id)
      if let left = job.failure?.left { members["left"] = .text(left.rawValue) }
    default: break
    }
    return ["error": .object(members)]
  }
}

extension Refusal {
  /// The sentence for an operator, with what is particular.
  var words: String {
    switch self {
    case .invalidRequest(let faults): faults.map(\.detail).joined(separator: " ")
    case .vpsNotReady(_, let job?): "\(detail) The job is \(job)."
    case .serviceUnavailable:
      "The catalog is busy or out of reach. Try again; `rehome doctor` tells more."
    case .internalError:
      "The catalog failed. The log on standard error says how; `rehome doctor` tells more."
    default: detail
    }
  }
}

extension HypervisorError {
  /// The sentence for an operator.
  var words: String {
    switch self {
    case .unavailable(let reason):
      "libvirt can't be reached: \(reason). Start it, or set libvirt.uri."
    case .domainMissing(let name):
      "libvirt has no domain `\(name)`. `virsh list --all` shows those it has."
    case .timedOut(let operation):
      "libvirt did not answer in time (\(operation)). Look at its state and try again."
    case .refused(let operation, let message): "libvirt refused to \(operation): \(message)"
    case .agentUnavailable: "The guest's agent doesn't answer."
    case .invalidXML(let reason): "The domain's definition can't be read: \(reason)"
    }
  }
}

extension CatalogError {
  /// The sentence for an operator.
  var words: String {
    switch self {
    case .busy(let reason): "The catalog can't be reached: \(reason). Try again."
    case .constraint: "The catalog's own rules said no."
    case .newerSchema(let version):
      "The catalog was written by a newer Rehome (\(version)). Update this program."
    case .failed(let reason): "The catalog is broken: \(reason)"
    }
  }
}
