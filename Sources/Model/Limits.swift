/// Every bound of the program in one place, each with its unit and its reason.
package enum Limits {
  /// Longest request body in bytes: the largest body of the API has two identifiers or a note.
  package static let requestBodyBytes = 64 * 1024
  /// Deepest nesting of a JSON body: no body of the API nests more than three levels.
  package static let jsonDepth = 16
  /// Longest identifier that is answered with 404; a longer one is malformed input.
  package static let identifierCharacters = 64
  /// Longest note of a backup in characters.
  package static let noteCharacters = 1024
  /// Longest name of a client or VPS in characters.
  package static let nameCharacters = 128
  /// Items of a page when none is asked for.
  package static let pageDefault = 20
  /// Most items of a page: bounds one answer's size and time.
  package static let pageMaximum = 100
  /// Items of a page of backups or restore sources when no limit is asked for: clients that know
  /// these lists from before they had pages take the first for all there is, and it nearly always is.
  package static let wholeList = 500
  /// Most backups of a page of restore sources, of all of them together: each is looked at whether
  /// it fits, and the answer stays below half a megabyte.
  package static let restoreChoices = 500
  /// Most VPSs that are looked at for a page of restore sources: of most clients all, and of those
  /// that have many without a backup no more than some milliseconds' worth.
  package static let restoreOwners = 1000
  /// Longest `Idempotency-Key` in characters: room for any kind of identifier, small in an index.
  package static let idempotencyKeyCharacters = 255
  /// How long the answer of a POST is kept for one that comes again: a client that was cut off has
  /// tried again by then.
  package static let idempotencyLifetime = Duration.seconds(86_400)
  /// Keys in whose place a key came, one after the other, whose kept answers are its own: more rolls
  /// than anybody makes while an answer is kept.
  package static let keyLine = 8
  /// Kept answers that one transaction forgets: others wait for no more than some milliseconds.
  package static let idempotencyBatch = 1000
  /// Texts of one column whose decoded values are kept in memory: as many as VPSs are asked for
  /// again and again.
  package static let decodedTexts = 4096
  /// Longest text in bytes whose decoded value is kept: bounds what all of them take to 16 MiB a
  /// column.
  package static let decodedTextBytes = 4 * 1024
  /// API keys whose last use is remembered until it is written; of more, it is known later.
  package static let keyUses = 10_000
  /// How often the last uses of keys are written and old answers forgotten.
  package static let callerUpkeep = Duration.seconds(60)
  /// Most label combinations of one metric: more are a mistake, and would fill memory.
  package static let metricSeries = 1000
  /// Most connections to the metrics listener: a few scrapers.
  package static let metricsConnections = 16
  /// How often each part is looked at for `/readyz` and the figures that go with it.
  package static let readinessInterval = Duration.seconds(1)
  /// After how long without an answer a part counts as stuck.
  package static let readinessPatience = Duration.seconds(3)
  /// Free bytes below which the datastore isn't ready: the next backup would fill it.
  package static let datastoreReserveBytes: Int64 = 1 << 30
  /// Open event streams of one key: a dashboard's worth, so that no key takes all.
  package static let eventStreamsPerKey = 8
  /// Open event streams of one client's jobs, whatever keys it makes.
  package static let eventStreamsPerClient = 32
  /// When another try makes sense for who finds all streams open: nobody knows when one ends.
  package static let eventSeatRetry = Duration.seconds(5)
  /// Open event streams in all: each is a connection and a row of every look at the catalog.
  package static let eventStreams = 512
  /// What is read of a connection before others have their turn.
  package static let bytesPerRead = 16 * 1024
  /// How often the jobs that somebody watches are looked at; also the least time between two
  /// `progress` events of a stream.
  package static let eventInterval = Duration.seconds(1)
  /// Longest silence of an event stream: proxies end connections that say nothing for longer, and
  /// a client that has gone is found out by it.
  package static let eventKeepAlive = Duration.seconds(10)
  /// How long a reader may not take what is sent to it before its connection is closed.
  package static let eventPatience = Duration.seconds(30)
  /// How long a stream that was ended may take to say its last word.
  package static let eventFarewell = Duration.seconds(5)
  /// How old a chunk's last use must be before garbage collection may take it: a day, as in PBS,
  /// whose backups may publish their index that late, and a file system may be lazy with times.
  package static let garbageGrace = Duration.seconds(86_400)
  /// What is taken off that moment besides, for clocks that differ a little.
  package static let garbageMargin = Duration.seconds(300)
  /// Digests of an index that are marked in one go: others get a turn on the store's threads.
  package static let garbageMarkBatch = 4096
  /// Digests that are remembered as marked, 64 bytes each: those of two backups of a disk are mostly
  /// the same, and needn't be touched again.
  package static let garbageMarksRemembered = 1_000_000
  /// Folders of chunks that are swept in one go.
  package static let garbageSweepBatch = 64
  /// Folders after which it is written down how far the sweep has come.
  package static let garbageCheckpoint = 4096
  /// How long an interrupted sweep may be continued; later everything is marked anew.
  package static let garbageResume = Duration.seconds(86_400)
  /// The most bytes that a store keeps for cleaning up when its file system is full, and that new
  /// chunks leave free besides: the catalog takes down what is removed in a part of it.
  package static let storeReserveBytes: Int64 = 64 << 20
  /// Of a small file system the reserve is one part of so many.
  package static let storeReserveParts: Int64 = 50
  /// Bad parts of one backup that are written down: enough to tell when to look again, and a store
  /// that has lost everything doesn't fill the catalog.
  package static let damagedParts = 1000
  /// Chunks whose verification is remembered within a run, 64 bytes each.
  package static let verifiedChunks = 1_000_000
  /// Backups to verify that are asked for at once.
  package static let verifyPage = 1000
  /// Ended tasks on a datastore that are kept, of each kind: a quarter of a year of daily ones.
  package static let storeTasksKept = 100
  /// How often a worker looks whether something is to be done to its datastore.
  package static let careInterval = Duration.seconds(2)
  /// How long a task on a datastore that failed rests before it comes by itself again.
  package static let careRetry = Duration.seconds(3600)
  /// How often it is written down how far such a task has come.
  package static let careProgressInterval = Duration.seconds(1)
  /// Longest user-data of a VPS in bytes: cloud-init's metadata services stop at 64 KiB as well.
  package static let userDataBytes = 64 * 1024
  /// Longest network configuration in bytes.
  package static let networkBytes = 64 * 1024
  /// Chunk size of what is written, in bytes; PBS's own for virtual machines.
  package static let chunkBytes = 4 * 1024 * 1024
  /// Chunks in flight in one backup or restore: bounds memory to this many chunks, twice.
  package static let chunksInFlight = 8
  /// Steps of a restore's stage in flight: enough that some wait for the disk while others compute,
  /// and that several writers share a flush.
  package static let stageStepsInFlight = 20
  /// Buffers for steps that a node has beyond what one restore may hold: one whose storage hangs stops
  /// no other.
  package static let stageSpareBuffers = 2
  /// Threads that block for one restore: one for each step in flight, and a few for what is read
  /// back and compared meanwhile.
  package static let stageThreads = 24
  /// Packed chunks, and chunks being read back, at the same time: each has a buffer of a chunk's
  /// size, so that all of a node's restores take 34 chunks' memory, whatever the disks' sizes.
  package static let stageScratchBuffers = 5
  /// Most extents of a disk that is cloned: the guest waits while the file system copies the list.
  package static let cloneExtents = 65_536
  /// Chunks whose map is asked for at once: 1 GiB of disk, the most that one question may be about.
  package static let chunksInMapWindow = 256
  /// Addresses that a network filter lists: more would be more rules than a host is to go through.
  package static let filterAddresses = 64
  /// How long a started target waits for a filter before it runs without.
  package static let filterPatience = Duration.seconds(20)
  /// How long after a restore its filter is kept at least: what libvirt was asked for may come late.
  package static let filterLateness = Duration.seconds(600)
  /// How long a target that shows no addresses has its filter in its definition while it runs.
  package static let filterSettling = Duration.seconds(600)
  /// How many restores and undos of a target are looked through for whose disk it has.
  package static let filterJobs = 1000
  /// How often a job tries to remove what it leaves behind before it counts as a failed attempt.
  package static let removalTries = 3
  /// How often chunks that the datastore has lost are read again before it counts as broken.
  package static let lostChunkRounds = 3
  /// What a scratch file may take of its disk's size: a guest writes less while it is read.
  package static let scratchShare = 0.1
  /// The least that a scratch file may take in bytes, unless told otherwise: small disks are
  /// overwritten quickly.
  package static let scratchMinimum: Int64 = 4 << 30
  /// The smallest budget in bytes that a session is begun with.
  package static let scratchSmallest: Int64 = 64 << 20
  /// Bytes that scratch files leave free on their file system.
  package static let scratchFreeFloor: Int64 = 64 << 20
  /// The part of its budget at which a scratch file ends the backup: what comes until it has ended
  /// needs room, too.
  package static let scratchAlarm = 0.8
  /// How often scratch files are looked at: a fast disk writes half a gibibyte meanwhile.
  package static let scratchWatchInterval = Duration.milliseconds(250)
  /// How long a lease lasts without renewal: long enough for a paused host, short enough that a
  /// dead worker's job goes on soon.
  package static let leaseDuration = Duration.seconds(30)
  /// How often a lease is renewed.
  package static let leaseRenewal = Duration.seconds(8)
  /// How often a worker shows that it is alive.
  package static let heartbeat = Duration.seconds(5)
  /// After how long without a heartbeat a worker counts as dead.
  package static let heartbeatTimeout = Duration.seconds(20)
  /// How often a worker looks at its host without being told to.
  package static let observationInterval = Duration.seconds(60)
  /// How often an idle worker looks for work.
  package static let queuePoll = Duration.milliseconds(250)
  /// Longest wait before a job is tried again.
  package static let retryDelayMaximum = Duration.seconds(60)
  /// Most time between freeze and thaw of a guest: longer freezes hang its services.
  package static let freezeBound = Duration.seconds(5)
  /// What the agent gets of that to freeze its file systems: the session must begin in the rest.
  package static let freezeAnswer = Duration.seconds(4)
  /// How long a guest has to end after a graceful destroy.
  package static let destroyTimeout = Duration.seconds(30)
  /// Power actions that a worker does at the same time, beside its data jobs: they wait for
  /// guests, not for disks, and nobody may wait for a backup to be able to stop a machine.
  package static let powerConcurrency = 8
  /// Longest wait of a restore's stop for a power action that is at work: longer than the
  /// longest one, a restart whose guest doesn't obey.
  package static let powerLockWait = Duration.seconds(600)
  /// How long a power-on waits for a backup that keeps the stopped machine's disks.
  package static let startPatience = Duration.seconds(60)
  /// How long `/status` waits for the hypervisor before it tells what was seen last.
  package static let liveStatusWait = Duration.seconds(2)
  /// How long a machine that didn't answer in that time isn't asked again.
  package static let liveStatusRest = Duration.seconds(10)
  /// Most backup schedules of a VPS: each turn of one reads every disk.
  package static let schedulesPerVPS = 10
  /// How many complete backups a schedule may keep: a year of daily ones.
  package static let retentionCounts = 1...1_000_000
  /// How often schedules are looked at: a turn begins within this much of its hour.
  package static let scheduleInterval = Duration.seconds(20)
  /// How long a turn that meets a closed gate is tried again.
  package static let schedulePatience = Duration.seconds(3600)
  /// How long such a turn rests between two tries.
  package static let scheduleRetry = Duration.seconds(300)
  /// Most turns that are taken at one look; the rest come at the next.
  package static let schedulesPerTurn = 100
  /// Progress is written to the catalog at most this often.
  package static let progressInterval = Duration.milliseconds(500)
  /// How often a target that is off is looked at while its disks are written over: its events tell
  /// first, this finds what they don't.
  package static let startWatchInterval = Duration.milliseconds(500)
  /// How long a start that is under way is left to come to something before the next look at it.
  package static let startWatchRest = Duration.milliseconds(100)
  /// Bytes that undo logs leave free on their file system: the catalog may be there, too.
  package static let undoLogFreeFloor: Int64 = 256 << 20
  /// How long the check of a qcow2 stage that was left may take: it reads the tables of an image, which are a
  /// six-thousandth of it.
  package static let stageCheckLimit = Duration.seconds(1800)
  /// How long that of a new clone may take, before the stage begins empty instead.
  package static let cloneCheckLimit = Duration.seconds(300)
  /// How long a starting worker waits for the one before it to have let go of the node.
  package static let nodeLockPatience = Duration.milliseconds(500)
  /// The room, promised to nobody, without which there is no session that only asks what has changed: what
  /// its guest may write before that is noticed.
  package static let changeSessionRoom: Int64 = 1 << 30
  /// How long such a session may last with all that belongs to it, before it is somebody's who died.
  package static let changeSessionAge = Duration.seconds(300)
  /// How long reading it may take: its guest pays for each write meanwhile.
  package static let changeSessionLimit = Duration.seconds(10)
  /// How long its reader may then take to let go before its connection is cut.
  package static let changeReaderPatience = Duration.seconds(1)
  /// How long readers of a session whose scratch is full may take to let go before their connections
  /// are cut: one chunk from a slow disk.
  package static let scratchReaderPatience = Duration.seconds(10)
  /// The shortest run of zeros within a chunk that isn't written: shorter ones would cost more requests
  /// than they save room.
  package static let zeroRunBytes = 64 << 10
  /// Most bytes of a file that is kept beside a former disk: a UEFI's variables take half a mebibyte, or
  /// on ARM 64.
  package static let keptFileBytes = 128 << 20
  /// How many bytes a stage writes between two looks at the room that is left.
  package static let stageSpaceStride: Int64 = 256 << 20
  /// Extra host space that a stage must leave, as a part of what it writes.
  package static let stageReserve = 0.05
  /// Most addresses of a guest that are kept: agents may send anything.
  package static let guestAddresses = 64
  /// Longest first line and headers of a request in bytes: a key, a cursor and what proxies add.
  package static let headerListBytes = 32 * 1024
  /// Most headers of a request: proxies add a handful to a client's dozen.
  package static let headerFields = 100
  /// How long the first line and headers of a request may take.
  package static let headTimeout = Duration.seconds(10)
  /// How long the body of a request may take: the largest is small.
  package static let bodyTimeout = Duration.seconds(20)
  /// How long a connection is kept open without a request.
  package static let idleTimeout = Duration.seconds(60)
  /// How long a client may leave an answer unread before its connection is closed.
  package static let writeTimeout = Duration.seconds(30)
  /// How long a TLS handshake may take.
  package static let handshakeTimeout = Duration.seconds(10)
  /// How long a refused client has to read its answer before the connection is closed; a close at
  /// once would take the answer back.
  package static let lingerTimeout = Duration.seconds(2)
  /// How long the server's end waits for requests that it has begun to answer.
  package static let drainTimeout = Duration.seconds(20)
  /// Most connections at the same time: each costs tens of kilobytes.
  package static let connections = 2048
  /// Most answers, and most keys, that are kept until the catalog changes: some 2 kilobytes each.
  package static let keptReads = 4096
  /// Most connections from one address: a household's or an office's worth behind one NAT, of which
  /// it takes many to fill the server.
  package static let connectionsPerAddress = 128
  /// Most keys whose hashes are held to rule others out, some 150 bytes each; of more, all are looked
  /// up.
  package static let keyRoster = 100_000
  /// How old these hashes may be: a key that was just made has to wait no longer behind an address
  /// that sends bad ones.
  package static let keyRosterAge = Duration.seconds(5)
  /// Most callers whose rate is counted, of each kind: some 100 bytes each.
  package static let countedCallers = 65_536
  /// How often a full table of callers is looked through for those that have paused long enough.
  package static let callerSweep = Duration.seconds(1)
  /// Largest certificate or key file in bytes: a chain has a few kilobytes.
  package static let certificateBytes = 1024 * 1024
}
