/*
 * Inside the engine: transcript, key schedules and record protection. Used by client and server.
 */
#ifndef TW_KEYS_H
#define TW_KEYS_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "registry/registry.h"
#include "wire/wire.h"

/* ---- transcript (transcript.c) ------------------------------------------------------------------ */

/** Hash over handshake messages. Messages before the hash is known are kept (bounded). */
struct tw_transcript {
    struct tw_crypto *crypto;
    struct tw_buf early;          /* until tw_transcript_start() */
    struct tw_hash *hash;
    enum tw_hash_id id;
    bool keep;                    /* keep all bytes in early also after start (TLS 1.2 client
                                     CertificateVerify with another hash) */
};
void tw_transcript_init(struct tw_transcript *t, struct tw_crypto *c);
void tw_transcript_cleanup(struct tw_transcript *t);
bool tw_transcript_add(struct tw_transcript *t, struct tw_view msg_with_header);
/** id: TW_HASH_MD5_SHA1 below TLS 1.2 (36 bytes). */
bool tw_transcript_start(struct tw_transcript *t, enum tw_hash_id id);
/** RFC 8446 4.4.1: ClientHello1 becomes message_hash. Call after start, before adding the HRR. */
bool tw_transcript_retry(struct tw_transcript *t);
/** Digest so far; returns its length, 0 on failure. */
size_t tw_transcript_digest(struct tw_transcript *t, uint8_t out[TW_HASH_MAX]);

/* ---- TLS 1.3 key schedule (schedule13.c), RFC 8446 7.1 ---------------------------------------------- */

struct tw_secret { uint8_t v[TW_HASH_MAX]; size_t n; };

struct tw_schedule13 {
    struct tw_crypto *crypto;
    enum tw_hash_id hash;
    struct tw_secret early, handshake, master;
    struct tw_secret client_hs, server_hs, client_app, server_app, exporter, resumption;
};
bool tw_hkdf_expand_label(struct tw_crypto *c, enum tw_hash_id h, struct tw_view secret,
                          const char *label, struct tw_view context, uint8_t *out, size_t n);
/** psk empty = none. */
bool tw_schedule13_early(struct tw_schedule13 *s, struct tw_crypto *c, enum tw_hash_id h,
                         struct tw_view psk);
bool tw_schedule13_binder(struct tw_schedule13 *s, bool external, struct tw_view transcript_hash,
                          struct tw_secret *binder);
bool tw_schedule13_handshake(struct tw_schedule13 *s, struct tw_view ecdhe,
                             struct tw_view hash_ch_sh);
bool tw_schedule13_master(struct tw_schedule13 *s, struct tw_view hash_ch_server_finished);
bool tw_schedule13_resumption(struct tw_schedule13 *s, struct tw_view hash_ch_client_finished);
bool tw_schedule13_ticket_psk(const struct tw_schedule13 *s, struct tw_view nonce,
                              struct tw_secret *psk);
/** verify_data of Finished under a traffic secret. */
bool tw_schedule13_finished(const struct tw_schedule13 *s, const struct tw_secret *traffic,
                            struct tw_view transcript_hash, struct tw_secret *verify_data);
/** application_traffic_secret_N+1. */
bool tw_schedule13_update(const struct tw_schedule13 *s, struct tw_secret *traffic);

/* ---- TLS 1.0-1.2 keys (prf12.c), RFC 5246 5, 6.3, 8.1 ---------------------------------------------- */

/** version < 1.2: MD5 xor SHA-1; SSL 3.0 has its own (RFC 6101) and is not offered here. */
bool tw_prf(struct tw_crypto *c, uint16_t version, enum tw_hash_id prf, struct tw_view secret,
            const char *label, struct tw_view seed1, struct tw_view seed2, uint8_t *out, size_t n);
/** Wraps what the key exchange gave (nothing, for plain PSK) and the psk: the premaster secret of
 *  the PSK suites, RFC 4279 2. */
bool tw_psk_premaster(enum tw_kx kx, struct tw_view psk, struct tw_buf *premaster);
struct tw_keys12 { uint8_t master[48]; };
/** ems: session_hash for extended master secret (RFC 7627), else empty. */
bool tw_keys12_master(struct tw_keys12 *k, struct tw_crypto *c, uint16_t version,
                      enum tw_hash_id prf, struct tw_view premaster, struct tw_view client_random,
                      struct tw_view server_random, struct tw_view session_hash);
bool tw_keys12_finished(const struct tw_keys12 *k, struct tw_crypto *c, uint16_t version,
                        enum tw_hash_id prf, bool server, struct tw_view transcript_hash,
                        uint8_t out[12]);

/* ---- record protection (protect.c) ------------------------------------------------------------------ */

/** One direction's keys. AEAD of 1.3 and 1.2, CBC with MAC (TLS 1.0 chained IV, 1.1+ explicit IV,
 *  encrypt-then-MAC), stream and NULL ciphers. */
struct tw_protect;

struct tw_protect *tw_protect13_new(struct tw_crypto *c, const struct tw_suite *s,
                                    const struct tw_secret *traffic, bool encrypt);
/** Both directions of a TLS <= 1.2 suite from the master secret.
 *  @param client_side true: *out_write has the client's write keys */
bool tw_protect12_new(struct tw_crypto *c, const struct tw_suite *s, uint16_t version,
                      const struct tw_keys12 *k, struct tw_view client_random,
                      struct tw_view server_random, bool encrypt_then_mac, bool client_side,
                      struct tw_protect **out_write, struct tw_protect **out_read);
void tw_protect_free(struct tw_protect *p);
/** Appends one whole record. plain.len <= 16384. wire_version is that of the record header. */
bool tw_protect_seal(struct tw_protect *p, uint8_t type, uint16_t wire_version,
                     struct tw_view plain, struct tw_buf *out);
enum tw_open { TW_OPEN_OK, TW_OPEN_BAD_MAC, TW_OPEN_MALFORMED, TW_OPEN_TOO_LONG, TW_OPEN_ERROR };
/** Opens a record; appends the content to out; *type is the inner type in TLS 1.3. */
enum tw_open tw_protect_open(struct tw_protect *p, const struct tw_record *rec, uint8_t *type,
                             struct tw_buf *out);

/* ---- what signatures are over (signing.c) -------------------------------------------------------------- */

/** Content of CertificateVerify in TLS 1.3 (RFC 8446 4.4.3) into buf (>= 64+34+64 bytes). */
size_t tw_signed_content13(bool server, struct tw_view transcript_hash, uint8_t *buf, size_t cap);
/** Kind and hash for a scheme as used by a TLS version with a key type: below 1.2 the scheme is
 *  implied by the key (RSA: MD5_SHA1 PKCS1; EC and DSA: SHA1). false: cannot be used together. */
bool tw_sig_plan(uint16_t version, uint16_t scheme, const struct tw_key_info *key,
                 enum tw_sig_kind *kind, enum tw_hash_id *hash);
/** First scheme of offered that the key can do in that version; 0 when there is none. */
uint16_t tw_sig_choose(uint16_t version, const struct tw_key_info *key, const uint16_t *offered,
                       size_t n);

#endif
