/*
 * ML-KEM (FIPS 203), our own, for libcrypto before 3.5. Deterministic: randomness is a parameter.
 * Constant time in secrets; no heap; up to 24 KiB of stack.
 */
#ifndef TW_MLKEM_H
#define TW_MLKEM_H

#include "base/base.h"

enum tw_mlkem_set { TW_MLKEM512, TW_MLKEM768, TW_MLKEM1024 };

/* Lengths in bytes, FIPS 203 table 3. */
size_t tw_mlkem_ek_len(enum tw_mlkem_set s);
size_t tw_mlkem_dk_len(enum tw_mlkem_set s);
size_t tw_mlkem_ct_len(enum tw_mlkem_set s);

/** ML-KEM.KeyGen_internal(d, z), FIPS 203 algorithm 16. */
void tw_mlkem_keygen(enum tw_mlkem_set s, const uint8_t d[32], const uint8_t z[32], uint8_t *ek,
                     uint8_t *dk);
/** ML-KEM.Encaps_internal(ek, m), algorithm 17; false when ek fails the modulus check of 7.2. */
bool tw_mlkem_encaps(enum tw_mlkem_set s, const uint8_t *ek, const uint8_t m[32], uint8_t *ct,
                     uint8_t ss[32]);
/** ML-KEM.Decaps_internal(dk, c), algorithm 18; implicit rejection: never fails. */
void tw_mlkem_decaps(enum tw_mlkem_set s, const uint8_t *dk, const uint8_t *ct, uint8_t ss[32]);

#endif
