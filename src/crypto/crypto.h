/*
 * Cryptography behind a table of functions, so that the engine can be tested and fuzzed with a
 * fake one, and so that this folder alone includes <openssl/...>. Real: tw_crypto_new(); fake and
 * deterministic: tw_crypto_fake().
 *
 * Objects (hash, kex, bulk, pubkey, privkey) are made and freed through the table. No function
 * looks at a peer's intent: a signature that does not verify is TW_VERIFY_BAD, not an error.
 * A table is used by one thread at a time; it caches fetched algorithms and decoded public keys.
 */
#ifndef TW_CRYPTO_H
#define TW_CRYPTO_H

#include "base/base.h"
#include "registry/registry.h"

struct tw_hash;
struct tw_kex;
struct tw_bulk_key;
struct tw_pubkey;
struct tw_privkey;

enum { TW_HASH_MAX = 64, TW_RECOVER_MAX = 4 };

enum tw_verify { TW_VERIFY_GOOD, TW_VERIFY_BAD, TW_VERIFY_UNSUPPORTED, TW_VERIFY_ERROR };

enum tw_key_type { TW_KEY_UNKNOWN, TW_KEY_RSA, TW_KEY_RSA_PSS, TW_KEY_EC, TW_KEY_ED25519,
                   TW_KEY_ED448, TW_KEY_DSA, TW_KEY_DH, TW_KEY_OTHER };
const char *tw_key_type_name(enum tw_key_type t); /* "RSA", "EC", "Ed25519" ... */

struct tw_key_info {
    enum tw_key_type type;
    unsigned bits;      /* modulus, field size */
    uint16_t group;     /* named curve of an EC key, 0 otherwise */
};

struct tw_crypto {
    void *ctx;

    bool (*random)(void *ctx, uint8_t *out, size_t n);

    /** Is the algorithm usable here (e.g. RC4 without the legacy provider: no)? */
    bool (*has_bulk)(void *ctx, enum tw_bulk b);
    bool (*has_group)(void *ctx, uint16_t group);

    /* hashes: running digest. peek gives the digest so far and lets the hash go on. */
    struct tw_hash *(*hash_new)(void *ctx, enum tw_hash_id id);
    bool (*hash_update)(struct tw_hash *h, struct tw_view v);
    size_t (*hash_peek)(struct tw_hash *h, uint8_t out[TW_HASH_MAX]);
    void (*hash_free)(struct tw_hash *h);
    /** One-shot over several parts; returns the length, 0 on failure. */
    size_t (*digest)(void *ctx, enum tw_hash_id id, const struct tw_view *parts, size_t n,
                     uint8_t out[TW_HASH_MAX]);
    size_t (*hmac)(void *ctx, enum tw_hash_id id, struct tw_view key, const struct tw_view *parts,
                   size_t n, uint8_t out[TW_HASH_MAX]);

    /* key exchange in named groups (ECDHE, XDH, ffdhe, ML-KEM hybrids). Shares are in the form of
     * TLS 1.3 key_exchange; an EC point of TLS 1.2 has the same form. */
    /** Makes a key pair; appends our share. NULL when the group is not available. */
    struct tw_kex *(*kex_new)(void *ctx, uint16_t group, struct tw_buf *share);
    /** Client: combine with the server's share; appends the secret. false: the share is invalid. */
    bool (*kex_derive)(struct tw_kex *k, struct tw_view peer, struct tw_buf *secret);
    /** Server: answer a client's share. */
    bool (*kex_respond)(void *ctx, uint16_t group, struct tw_view client, struct tw_buf *share,
                        struct tw_buf *secret);
    /** Finite-field DH with explicit parameters (TLS <= 1.2). kex_derive as above, and secret
     *  has leading zeros stripped (RFC 5246 8.1.2). Up to 16384 bits. */
    struct tw_kex *(*dh_new)(void *ctx, struct tw_view p, struct tw_view g, struct tw_buf *share);
    void (*kex_free)(struct tw_kex *k);

    /* bulk ciphers */
    struct tw_bulk_key *(*bulk_new)(void *ctx, enum tw_bulk b, struct tw_view key, bool encrypt);
    /** AEAD: nonce 12 bytes; out gets plain + tag. out may be plain.data. */
    bool (*seal)(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                 struct tw_view plain, uint8_t *out);
    /** out gets in.len - tag bytes; false: authentication failed. out may be in.data. */
    bool (*open)(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                 struct tw_view in, uint8_t *out);
    /** CBC over whole blocks with the given IV (iv ignored by stream ciphers, which keep state).
     *  out may be in.data. */
    bool (*crypt)(struct tw_bulk_key *k, const uint8_t *iv, struct tw_view in, uint8_t *out);
    void (*bulk_free)(struct tw_bulk_key *k);

    /* public keys */
    /** From DER SubjectPublicKeyInfo. NULL: libcrypto cannot read it. Cached by bytes; free it. */
    struct tw_pubkey *(*pubkey_new)(void *ctx, struct tw_view spki);
    void (*pubkey_info)(const struct tw_pubkey *k, struct tw_key_info *info);
    /** Over the concatenation of parts. hash NONE for EdDSA; MD5_SHA1 for RSA below TLS 1.2. */
    enum tw_verify (*verify)(struct tw_pubkey *k, enum tw_sig_kind kind, enum tw_hash_id hash,
                             const struct tw_view *parts, size_t n, struct tw_view sig);
    /** Signature with an X.509 AlgorithmIdentifier (DER) over to-be-signed bytes. */
    enum tw_verify (*verify_x509)(struct tw_pubkey *k, struct tw_view algorithm,
                                  struct tw_view tbs, struct tw_view sig);
    /** The keys that could have made an ECDSA signature on k's curve: SHA-256 of the DER
     *  SubjectPublicKeyInfo of each. @return how many; 0 when it is no such signature (another
     *  kind of key, another curve, not well-formed). Source: SEC 1 v2.0 4.1.6. */
    size_t (*recover)(const struct tw_pubkey *k, enum tw_hash_id hash, const struct tw_view *parts,
                      size_t n, struct tw_view sig, uint8_t out[TW_RECOVER_MAX][32]);
    /** PKCS#1 v1.5 encryption of a premaster secret. */
    bool (*rsa_encrypt)(struct tw_pubkey *k, struct tw_view in, struct tw_buf *out);
    void (*pubkey_free)(struct tw_pubkey *k);

    /* private keys */
    void (*privkey_info)(const struct tw_privkey *k, struct tw_key_info *info);
    bool (*sign)(struct tw_privkey *k, enum tw_sig_kind kind, enum tw_hash_id hash,
                 const struct tw_view *parts, size_t n, struct tw_buf *sig);
    /** RFC 5246 7.4.7.1: always gives 48 bytes; random ones when the padding is wrong. */
    bool (*rsa_decrypt)(struct tw_privkey *k, struct tw_view in, uint8_t out[48]);
    /** DER SubjectPublicKeyInfo of the key. */
    bool (*privkey_spki)(const struct tw_privkey *k, struct tw_buf *out);
    void (*privkey_free)(struct tw_privkey *k);
};

/** The real table over libcrypto; NULL when it cannot be set up. */
struct tw_crypto *tw_crypto_new(void);
void tw_crypto_free(struct tw_crypto *c);
/** "OpenSSL 3.0.19", for reports. */
const char *tw_crypto_version(const struct tw_crypto *c);
/** Deterministic table for fuzzing and tests: real shapes, no strength; seed drives random(). */
struct tw_crypto *tw_crypto_fake(uint64_t seed);

/* ---- keys and certificates as files hold them (pem.c) ------------------------------------------- */

/** A chain and its key, for the server role or client authentication. */
struct tw_credential {
    struct tw_view chain[16];    /* DER, leaf first; owned */
    size_t chain_n;
    struct tw_privkey *key;      /* owned; NULL allowed (chain only) */
    struct tw_crypto *crypto;
};
void tw_credential_free(struct tw_credential *c);

/**
 * Reads PEM certificates and key, or PKCS#12 (recognised by content).
 * @param cert    file content; @param key  content of the key file, or empty: look into cert
 * @param password  NULL when none was given
 * @param why     static text for TW_E_INPUT: what is wrong ("no certificate in it", "the key is
 *                encrypted and no password was given", "key does not belong to the certificate")
 */
enum tw_status tw_credential_load(struct tw_crypto *c, struct tw_view cert, struct tw_view key,
                                  const char *password, struct tw_credential **out,
                                  const char **why) TW_MUST_CHECK;

/** Next certificate of a PEM text (any block labels in between are passed over), as DER appended
 *  to out. *pos moves on. false at the end. A block that is damaged is skipped and counted. */
bool tw_pem_next_cert(struct tw_view pem, size_t *pos, struct tw_buf *out, size_t *damaged);

/** As tw_pem_next_cert() for blocks of one label, e.g. "X509 CRL". */
bool tw_pem_next(struct tw_view pem, size_t *pos, const char *label, struct tw_buf *out,
                 size_t *damaged);
/** As tw_pem_next_cert(), and behind the certificate, which is *cert_len long, what else the block
 *  held: in a TRUSTED CERTIFICATE the settings that X509_CERT_AUX of OpenSSL describes. */
bool tw_pem_next_anchor(struct tw_view pem, size_t *pos, struct tw_buf *out, size_t *cert_len,
                        size_t *damaged);
/** As tw_pem_next_cert(), with all bytes of the block: behind the certificate of a TRUSTED
 *  CERTIFICATE (*with_trust) stands OpenSSL's X509_CERT_AUX. */
bool tw_pem_next_block(struct tw_view pem, size_t *pos, struct tw_buf *out, size_t *damaged,
                       bool *with_trust);

/* ---- certificates of a PKCS#12 file (pkcs12.c) -------------------------------------------------- */

enum tw_integrity { TW_INTEGRITY_NONE /* the file has no seal */, TW_INTEGRITY_UNCHECKED,
                    TW_INTEGRITY_GOOD, TW_INTEGRITY_BAD };

struct tw_pkcs12 {
    enum tw_integrity integrity;  /* the MAC over the file (RFC 7292 4) */
    size_t certs;                 /* handed to each() */
    size_t trusted;               /* of those: marked as trust anchors the way Java does */
    size_t keys;                  /* private keys */
    size_t unread;                /* parts that could not be decrypted or read */
};
/** @param trusted the bag has Java's trustedKeyUsage attribute (OID 2.16.840.1.113894.746875.1.1),
 *  without which Java takes a certificate for part of a key's chain and not for an anchor */
typedef void tw_pkcs12_cert_fn(void *user, struct tw_view der, bool trusted);
/**
 * Hands out every certificate of a PKCS#12 file (RFC 7292), with or without password and MAC.
 *
 * @param password NULL: those that trust stores usually have are tried (none, empty, "changeit")
 * @param why      static text when the result is not TW_OK
 * @return TW_OK, also when parts stayed closed (out->unread); TW_E_INPUT: not PKCS#12, or the
 *         password is wrong; TW_E_LIMIT: it asks for more key stretching than anybody needs
 */
enum tw_status tw_pkcs12_read(struct tw_view in, const char *password, tw_pkcs12_cert_fn *each,
                              void *user, struct tw_pkcs12 *out, const char **why) TW_MUST_CHECK;

/* ---- making keys and certificates, for the lab and tests (make.c) ---------------------------------- */

enum tw_make_key { TW_MAKE_P256, TW_MAKE_P384, TW_MAKE_RSA2048, TW_MAKE_RSA1024, TW_MAKE_RSA3072,
                   TW_MAKE_ED25519, TW_MAKE_DSA1024 };
struct tw_privkey *tw_make_privkey(struct tw_crypto *c, enum tw_make_key kind);

struct tw_make_cert {
    const char *subject_cn, *subject_o;  /* either may be NULL */
    const char *const *dns; size_t dns_n; /* SANs; "ip:192.0.2.1" gives an iPAddress */
    bool no_san;
    bool ca; int path_len;               /* -1 none */
    int64_t not_before, not_after;       /* unix seconds */
    uint64_t serial;
    enum tw_hash_id hash;                /* signature hash; ignored for EdDSA */
    const char *aia_issuer_url;          /* or NULL */
    bool client_auth_only;               /* EKU clientAuth instead of serverAuth (+clientAuth) */
    bool must_staple;
    const char *ski_hex;                 /* subjectKeyIdentifier; NULL: hash of the key */
    const char *ocsp_url, *crl_url;      /* AIA responder, CRL distribution point; or NULL */
    bool ocsp_signing;                   /* EKU id-kp-OCSPSigning alone */
    struct tw_view scts;                 /* SignedCertificateTimestampList to embed; or empty */
};
/**
 * Issues a certificate for subject_key, signed by issuer_key. issuer_der empty = self-signed.
 * Appends DER to out.
 */
enum tw_status tw_make_certificate(struct tw_crypto *c, const struct tw_make_cert *spec,
                                   const struct tw_privkey *subject_key,
                                   struct tw_view issuer_der, const struct tw_privkey *issuer_key,
                                   struct tw_buf *out) TW_MUST_CHECK;
/** PEM text of a certificate / of a private key (PKCS#8), appended. */
enum tw_status tw_pem_write_cert(struct tw_view der, struct tw_buf *out) TW_MUST_CHECK;
enum tw_status tw_pem_write_key(const struct tw_privkey *k, struct tw_buf *out) TW_MUST_CHECK;

#endif
