// Tells ThreadSanitizer what it can't see: that Swift's Mutex orders those who wait for it.
//
// A Mutex that nobody waits for is taken by an atomic operation, which is compiled into the caller and
// so watched. One that has waiters is passed on by the kernel, out of a library that isn't watched, and
// all that it guards would be told as a race. This library is loaded before Swift's, in its place.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// Of the sanitizer, in the program that is tested; other programs have none.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

#define HANDLE "$s15Synchronization12_MutexHandleV"
#define LOCK HANDLE "9_lockSlowyys6UInt32VF"
#define TRY_LOCK HANDLE "12_tryLockSlowSbyF"
#define UNLOCK HANDLE "11_unlockSlowyyF"
#define SELF __attribute__((swift_context)) void *

typedef __attribute__((swiftcall)) void (*Lock)(uint32_t, SELF);
typedef __attribute__((swiftcall)) bool (*TryLock)(SELF);
typedef __attribute__((swiftcall)) void (*Unlock)(SELF);

__attribute__((swiftcall)) void lock_slow(uint32_t thread, SELF self) __asm__(LOCK);
__attribute__((swiftcall)) bool try_lock_slow(SELF self) __asm__(TRY_LOCK);
__attribute__((swiftcall)) void unlock_slow(SELF self) __asm__(UNLOCK);

static Lock next_lock;
static TryLock next_try_lock;
static Unlock next_unlock;

__attribute__((constructor)) static void find(void) {
  next_lock = (Lock)dlsym(RTLD_NEXT, LOCK);
  next_try_lock = (TryLock)dlsym(RTLD_NEXT, TRY_LOCK);
  next_unlock = (Unlock)dlsym(RTLD_NEXT, UNLOCK);
  // What the tests start isn't watched; what starts the tests must hand it on.
  if (__tsan_acquire) unsetenv("LD_PRELOAD");
}

__attribute__((swiftcall)) void lock_slow(uint32_t thread, SELF self) {
  next_lock(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

__attribute__((swiftcall)) bool try_lock_slow(SELF self) {
  bool is_locked = next_try_lock(self);
  if (is_locked && __tsan_acquire) __tsan_acquire(self);
  return is_locked;
}

__attribute__((swiftcall)) void unlock_slow(SELF self) {
  if (__tsan_release) __tsan_release(self);
  next_unlock(self);
}
