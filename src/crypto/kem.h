/* ML-KEM (FIPS 203) for the hybrids: libcrypto's from 3.5 on, else our own (mlkem.c). */
#ifndef TW_KEM_H
#define TW_KEM_H

#include "crypto/crypto.h"

enum kem_set { KEM_768, KEM_1024 };
struct kem_key;

size_t kem_public_len(enum kem_set set);
size_t kem_ciphertext_len(enum kem_set set);
/** New key pair; appends the encapsulation key to share. NULL on failure. */
struct kem_key *kem_keygen(struct tw_crypto *c, enum kem_set set, struct tw_buf *share);
/** Appends ciphertext and shared secret; false: the key fails the check of FIPS 203 7.2. */
bool kem_encaps(struct tw_crypto *c, enum kem_set set, struct tw_view ek, struct tw_buf *ct,
                struct tw_buf *secret);
bool kem_decaps(struct kem_key *k, struct tw_view ct, struct tw_buf *secret);
void kem_key_free(struct kem_key *k);

#endif
