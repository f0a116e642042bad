/* SHA-3 and SHAKE (FIPS 202), as ML-KEM uses them. */
#ifndef TW_KECCAK_H
#define TW_KECCAK_H

#include "base/base.h"

/** A sponge. rate in bytes: SHAKE128 168, SHAKE256 and SHA3-256 136, SHA3-512 72. */
struct tw_keccak {
    uint64_t a[25];
    size_t rate, at;
};
void tw_keccak_init(struct tw_keccak *k, size_t rate);
void tw_keccak_absorb(struct tw_keccak *k, const uint8_t *p, size_t n);
/** suffix: 0x1f for SHAKE, 0x06 for SHA-3. Then squeeze as often as wanted. */
void tw_keccak_finish(struct tw_keccak *k, uint8_t suffix);
void tw_keccak_squeeze(struct tw_keccak *k, uint8_t *out, size_t n);

void tw_sha3_256(const uint8_t *p, size_t n, uint8_t out[32]);
void tw_sha3_512(const uint8_t *p, size_t n, uint8_t out[64]);
/** Over two parts. */
void tw_shake256(const uint8_t *p, size_t n, const uint8_t *q, size_t m, uint8_t *out, size_t len);

#endif
