#pragma once
#include <stddef.h>
#include <stdint.h>

// SHA-256 of two pieces at the same time. The processor's instructions for it wait for each other
// within one piece; of two pieces one computes while the other waits. Every round stands here by
// itself, because not every compiler that imports this header unrolls loops.

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t rehome_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// Whether the processor has the SHA extensions, and what the code below uses beside them.
static inline int rehome_has_sha256_pair(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 19)) || !(c & (1u << 9))) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

// Four rounds of both pieces; `w0` is the schedule's part that they use, `w1` to `w3` those after it.
#define REHOME_ROUNDS(r, w0)                                                              \
  do {                                                                                    \
    const __m128i k = _mm_loadu_si128((const __m128i *)(rehome_sha256_k + 4 * (r)));      \
    __m128i m = _mm_add_epi32(w0##a, k), n = _mm_add_epi32(w0##b, k);                     \
    cdgh_a = _mm_sha256rnds2_epu32(cdgh_a, abef_a, m);                                    \
    cdgh_b = _mm_sha256rnds2_epu32(cdgh_b, abef_b, n);                                    \
    m = _mm_shuffle_epi32(m, 0x0E), n = _mm_shuffle_epi32(n, 0x0E);                       \
    abef_a = _mm_sha256rnds2_epu32(abef_a, cdgh_a, m);                                    \
    abef_b = _mm_sha256rnds2_epu32(abef_b, cdgh_b, n);                                    \
  } while (0)

// The part of the schedule that comes four parts later, in place of the one just used.
#define REHOME_SCHEDULE(w0, w1, w2, w3)                                                   \
  do {                                                                                    \
    w0##a = _mm_sha256msg1_epu32(w0##a, w1##a);                                           \
    w0##b = _mm_sha256msg1_epu32(w0##b, w1##b);                                           \
    w0##a = _mm_add_epi32(w0##a, _mm_alignr_epi8(w3##a, w2##a, 4));                       \
    w0##b = _mm_add_epi32(w0##b, _mm_alignr_epi8(w3##b, w2##b, 4));                       \
    w0##a = _mm_sha256msg2_epu32(w0##a, w3##a);                                           \
    w0##b = _mm_sha256msg2_epu32(w0##b, w3##b);                                           \
  } while (0)

#define REHOME_LOAD(from, i) \
  _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)((from) + 16 * (i))), order)

// Hashes `count` blocks of 64 bytes of each piece into the states, eight words each.
__attribute__((target("sha,sse4.1,ssse3"))) static inline void rehome_sha256_pair(
    uint32_t *states, const void *one, const void *other, size_t count) {
  const uint8_t *first = (const uint8_t *)one, *second = (const uint8_t *)other;
  const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i *s = (__m128i *)states;
  __m128i low = _mm_shuffle_epi32(_mm_loadu_si128(s), 0xB1);
  __m128i high = _mm_shuffle_epi32(_mm_loadu_si128(s + 1), 0x1B);
  __m128i abef_a = _mm_alignr_epi8(low, high, 8), cdgh_a = _mm_blend_epi16(high, low, 0xF0);
  low = _mm_shuffle_epi32(_mm_loadu_si128(s + 2), 0xB1);
  high = _mm_shuffle_epi32(_mm_loadu_si128(s + 3), 0x1B);
  __m128i abef_b = _mm_alignr_epi8(low, high, 8), cdgh_b = _mm_blend_epi16(high, low, 0xF0);
  for (; count > 0; count--, first += 64, second += 64) {
    const __m128i a0 = abef_a, c0 = cdgh_a, a1 = abef_b, c1 = cdgh_b;
    __m128i w0a = REHOME_LOAD(first, 0), w0b = REHOME_LOAD(second, 0);
    __m128i w1a = REHOME_LOAD(first, 1), w1b = REHOME_LOAD(second, 1);
    __m128i w2a = REHOME_LOAD(first, 2), w2b = REHOME_LOAD(second, 2);
    __m128i w3a = REHOME_LOAD(first, 3), w3b = REHOME_LOAD(second, 3);
    REHOME_ROUNDS(0, w0);
    REHOME_SCHEDULE(w0, w1, w2, w3);
    REHOME_ROUNDS(1, w1);
    REHOME_SCHEDULE(w1, w2, w3, w0);
    REHOME_ROUNDS(2, w2);
    REHOME_SCHEDULE(w2, w3, w0, w1);
    REHOME_ROUNDS(3, w3);
    REHOME_SCHEDULE(w3, w0, w1, w2);
    REHOME_ROUNDS(4, w0);
    REHOME_SCHEDULE(w0, w1, w2, w3);
    REHOME_ROUNDS(5, w1);
    REHOME_SCHEDULE(w1, w2, w3, w0);
    REHOME_ROUNDS(6, w2);
    REHOME_SCHEDULE(w2, w3, w0, w1);
    REHOME_ROUNDS(7, w3);
    REHOME_SCHEDULE(w3, w0, w1, w2);
    REHOME_ROUNDS(8, w0);
    REHOME_SCHEDULE(w0, w1, w2, w3);
    REHOME_ROUNDS(9, w1);
    REHOME_SCHEDULE(w1, w2, w3, w0);
    REHOME_ROUNDS(10, w2);
    REHOME_SCHEDULE(w2, w3, w0, w1);
    REHOME_ROUNDS(11, w3);
    REHOME_SCHEDULE(w3, w0, w1, w2);
    REHOME_ROUNDS(12, w0);
    REHOME_ROUNDS(13, w1);
    REHOME_ROUNDS(14, w2);
    REHOME_ROUNDS(15, w3);
    abef_a = _mm_add_epi32(abef_a, a0), cdgh_a = _mm_add_epi32(cdgh_a, c0);
    abef_b = _mm_add_epi32(abef_b, a1), cdgh_b = _mm_add_epi32(cdgh_b, c1);
  }
  low = _mm_shuffle_epi32(abef_a, 0x1B), high = _mm_shuffle_epi32(cdgh_a, 0xB1);
  _mm_storeu_si128(s, _mm_blend_epi16(low, high, 0xF0));
  _mm_storeu_si128(s + 1, _mm_alignr_epi8(high, low, 8));
  low = _mm_shuffle_epi32(abef_b, 0x1B), high = _mm_shuffle_epi32(cdgh_b, 0xB1);
  _mm_storeu_si128(s + 2, _mm_blend_epi16(low, high, 0xF0));
  _mm_storeu_si128(s + 3, _mm_alignr_epi8(high, low, 8));
}
#else
static inline int rehome_has_sha256_pair(void) { return 0; }

static inline void rehome_sha256_pair(
    uint32_t *states, const void *one, const void *other, size_t count) {
  (void)states, (void)one, (void)other, (void)count;
}
#endif
