#pragma once

#include <errno.h>
#include <libnbd.h>
#include <stddef.h>

// A callback struct with its `free` left out: Swift owns what `user_data` points to.
static inline nbd_extent_callback rehome_nbd_extent_callback(
    int (*callback)(void *user_data, const char *context, uint64_t offset, uint32_t *entries,
                    size_t count, int *error),
    void *user_data) {
  return (nbd_extent_callback){.callback = callback, .user_data = user_data, .free = NULL};
}
