#pragma once

// Nothing here may need _GNU_SOURCE: with it this module's `fd_set` would differ from Swift's own
// Glibc module, which is built without. Hence the system calls by number.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// Swift imports neither variadic functions nor macros with casts: each one used stands here as a
// function or a constant. All return 0 or a value, or -1 with errno set, as the call they wrap.

enum {
  rehome_o_direct = __O_DIRECT,
  rehome_lock_set = 37,   // F_OFD_SETLK
  rehome_lock_query = 36, // F_OFD_GETLK
};

// Not waiting, because opening a pipe that somebody put in a disk's place would wait for ever; it
// means nothing for files and devices.
static inline int rehome_open(const char *path, int flags, unsigned int mode) {
  return open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, (mode_t)mode);
}

static inline int rehome_exchange(const char *one, const char *other) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

// Makes `to` share the blocks of `from`, where the file system can.
static inline int rehome_clone(int to, int from) { return ioctl(to, FICLONE, from); }

// How many extents a file has, or -1: asked with room for none, the kernel only counts.
static inline int64_t rehome_extent_count(int fd) {
  struct fiemap map;
  memset(&map, 0, sizeof map);
  map.fm_length = FIEMAP_MAX_OFFSET;
  if (ioctl(fd, FS_IOC_FIEMAP, &map) < 0) return -1;
  return map.fm_mapped_extents;
}

static inline int rehome_punch(int fd, int64_t offset, int64_t count) {
  return (int)syscall(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
}

// The capacity of a block device in bytes.
static inline int rehome_block_size(int fd, uint64_t *size) { return ioctl(fd, BLKGETSIZE64, size); }

// Takes or drops (`type` F_RDLCK, F_WRLCK, F_UNLCK) an open-file-description lock, not waiting.
static inline int rehome_lock(int fd, short type, int64_t start, int64_t count) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = count};
  return fcntl(fd, rehome_lock_set, &lock);
}

// 1 if someone else's lock stands in the way of a lock of `type`, 0 if none does.
static inline int rehome_is_locked(int fd, short type, int64_t start, int64_t count) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = count};
  if (fcntl(fd, rehome_lock_query, &lock) < 0) return -1;
  return lock.l_type != F_UNLCK;
}

// The kernel's id of the file system, as 64 bits: stable while it is mounted, and on the file
// systems that derive it from their UUID (ext4, XFS, Btrfs) also across mounts.
static inline int rehome_file_system_id(int fd, uint64_t *id) {
  struct statfs info;
  if (fstatfs(fd, &info) < 0) return -1;
  *id = ((uint64_t)(uint32_t)info.f_fsid.__val[0] << 32) | (uint32_t)info.f_fsid.__val[1];
  return 0;
}

// The number of the kind of file system that an open file is on.
static inline int rehome_file_system_type(int fd, int64_t *type) {
  struct statfs info;
  if (fstatfs(fd, &info) < 0) return -1;
  *type = (int64_t)info.f_type;
  return 0;
}

// The id of the mount that `path` stands on, the link itself if it is one.
static inline int rehome_mount_id(const char *path, uint64_t *id) {
  struct statx info;
  if (syscall(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &info) < 0) return -1;
  if (!(info.stx_mask & STATX_MNT_ID)) {
    errno = ENOTSUP;
    return -1;
  }
  *id = info.stx_mnt_id;
  return 0;
}

// The I/O priority of the calling thread: a class (0 none, 2 best effort, 3 idle) and a level in it.
static inline int rehome_io_priority(int class_number, int level) {
  return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, class_number << 13 | level);
}

// The same as it is now, or -1.
static inline int rehome_current_io_priority(void) {
  return (int)syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0);
}

static inline int rehome_memfd(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */);
}

static inline int rehome_pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static inline int rehome_pidfd_signal(int pidfd, int number) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

// Starts a program that the kernel kills when the *thread* that called this ends. Its input is
// /dev/null, its output and errors go to `output`, nothing else is inherited. Returns the process
// id, or -1 with errno set, also when the program could not be executed.
//
// Between fork and exec only calls that are safe after a fork of a threaded process are made.
static inline pid_t rehome_spawn(const char *path, char *const arguments[],
                                 char *const environment[], int output) {
  int report[2];
  if (syscall(SYS_pipe2, report, O_CLOEXEC) < 0) return -1;
  int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input < 0) {
    int number = errno;
    close(report[0]);
    close(report[1]);
    errno = number;
    return -1;
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    int number = 0;
    for (int signal_number = 1; signal_number < NSIG; signal_number++) {
      struct sigaction action;
      memset(&action, 0, sizeof action);
      action.sa_handler = SIG_DFL;
      sigaction(signal_number, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // A parent that died before the request below took effect would leave an orphan.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) number = errno ? errno : ESRCH;
    if (!number && setpgid(0, 0) < 0) number = errno;
    // The report must survive the three duplications, whatever its number is.
    int keep = number ? -1 : fcntl(report[1], F_DUPFD_CLOEXEC, 10);
    int from = number ? -1 : fcntl(input, F_DUPFD_CLOEXEC, 10);
    int to = number ? -1 : fcntl(output, F_DUPFD_CLOEXEC, 10);
    if (!number && (keep < 0 || from < 0 || to < 0 || dup2(from, 0) < 0 || dup2(to, 1) < 0 ||
                    dup2(to, 2) < 0))
      number = errno;
    if (!number) {
      // Everything else of ours is close-on-exec; this catches what a library forgot.
      syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
      execve(path, arguments, environment);
      number = errno;
    }
    ssize_t written = write(keep >= 0 ? keep : report[1], &number, sizeof number);
    (void)written;
    _exit(127);
  }
  int number = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(input);
  close(report[1]);
  if (child > 0) {
    int failure = 0;
    ssize_t got;
    do got = read(report[0], &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
      waitpid(child, NULL, 0);
      child = -1;
      number = failure;
    }
  }
  close(report[0]);
  errno = number;
  return child;
}

// Gives blocks of a MiB and more back to the kernel when they are freed. By itself the C library learns
// from the first that is freed to keep all that are as large, for the next.
static inline void rehome_return_large_blocks(void) { mallopt(M_MMAP_THRESHOLD, 1 << 20); }
