/*
 * Code points of TLS as tables: names, properties and the RFC of each row. The tables are
 * *.def files, one row a line, so that they can be compared with the IANA registries by eye.
 * Lookups return pointers into constant tables; NULL means not registered (GREASE included).
 */
#ifndef TW_REGISTRY_H
#define TW_REGISTRY_H

#include "base/base.h"

/* ---- versions ----------------------------------------------------------------------------- */

enum tw_version {
    TW_SSL2 = 0x0002,
    TW_SSL3 = 0x0300,
    TW_TLS10 = 0x0301,
    TW_TLS11 = 0x0302,
    TW_TLS12 = 0x0303,
    TW_TLS13 = 0x0304
};

/** "TLS 1.3", "SSL 3.0"; NULL when unknown (drafts, GREASE). */
const char *tw_version_name(uint16_t v);
/** Accepts "1.3", "TLS1.3", "TLSv1.3", "tls1_3", "SSLv3" in any case; 0 when unknown. */
uint16_t tw_version_parse(const char *s);

/* ---- cipher suites -------------------------------------------------------------------------- */

enum tw_kx {
    TW_KX_NULL, TW_KX_TLS13, TW_KX_RSA, TW_KX_DH, TW_KX_DHE, TW_KX_ECDH, TW_KX_ECDHE, TW_KX_PSK,
    TW_KX_DHE_PSK, TW_KX_ECDHE_PSK, TW_KX_RSA_PSK, TW_KX_SRP, TW_KX_KRB5, TW_KX_GOST,
    TW_KX_ECCPWD, TW_KX_OTHER
};
/* DH_anon and ECDH_anon are TW_KX_DHE / TW_KX_ECDHE with TW_AUTH_ANON. */
enum tw_auth {
    TW_AUTH_NULL, TW_AUTH_TLS13, TW_AUTH_RSA, TW_AUTH_DSS, TW_AUTH_ECDSA, TW_AUTH_ANON,
    TW_AUTH_PSK, TW_AUTH_KRB5, TW_AUTH_GOST, TW_AUTH_SRP, TW_AUTH_OTHER
};
enum tw_bulk {
    TW_BULK_NULL, TW_BULK_RC4_40, TW_BULK_RC4_128, TW_BULK_RC2_40, TW_BULK_DES40, TW_BULK_DES,
    TW_BULK_3DES, TW_BULK_IDEA, TW_BULK_SEED, TW_BULK_AES128_CBC, TW_BULK_AES256_CBC,
    TW_BULK_CAMELLIA128_CBC, TW_BULK_CAMELLIA256_CBC, TW_BULK_ARIA128_CBC, TW_BULK_ARIA256_CBC,
    TW_BULK_AES128_GCM, TW_BULK_AES256_GCM, TW_BULK_CAMELLIA128_GCM, TW_BULK_CAMELLIA256_GCM,
    TW_BULK_ARIA128_GCM, TW_BULK_ARIA256_GCM, TW_BULK_AES128_CCM, TW_BULK_AES256_CCM,
    TW_BULK_AES128_CCM8, TW_BULK_AES256_CCM8, TW_BULK_CHACHA20_POLY1305, TW_BULK_GOST,
    TW_BULK_SM4_GCM, TW_BULK_SM4_CCM, TW_BULK_OTHER
};
/** MAC of the record layer; TW_MAC_AEAD where the bulk cipher authenticates. */
enum tw_mac {
    TW_MAC_NULL, TW_MAC_AEAD, TW_MAC_MD5, TW_MAC_SHA1, TW_MAC_SHA256, TW_MAC_SHA384, TW_MAC_OTHER
};
enum tw_hash_id {
    TW_HASH_NONE, TW_HASH_MD5, TW_HASH_SHA1, TW_HASH_SHA224, TW_HASH_SHA256, TW_HASH_SHA384,
    TW_HASH_SHA512, TW_HASH_SM3, TW_HASH_MD5_SHA1 /* TLS <= 1.1 signatures */
};

enum tw_suite_flag {
    TW_SUITE_SCSV = 1 << 0,   /* a signal, not a suite */
    TW_SUITE_EXPORT = 1 << 1, /* 40/56-bit export grade */
    TW_SUITE_WEAK = 1 << 2,   /* no client in support offers it: NULL, RC4, DES, export, anon */
    TW_SUITE_LEGACY_PROVIDER = 1 << 3 /* libcrypto >= 3.0 needs its legacy provider */
};

struct tw_suite {
    uint16_t id;
    const char *name;         /* IANA: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
    const char *openssl_name; /* ECDHE-RSA-AES128-GCM-SHA256, or NULL */
    enum tw_kx kx;
    enum tw_auth auth;
    enum tw_bulk bulk;
    enum tw_mac mac;
    enum tw_hash_id prf;      /* PRF (TLS 1.2) or HKDF hash (1.3); TW_HASH_SHA256 by default */
    uint16_t min_version, max_version;
    unsigned flags;
    const char *source;       /* "RFC 5289" */
};

const struct tw_suite *tw_suite_by_id(uint16_t id);
/** IANA or OpenSSL name, any case. */
const struct tw_suite *tw_suite_by_name(const char *name);
/** Row i of the table in code point order; NULL past the end. */
const struct tw_suite *tw_suite_at(size_t i);

/** SSL 2.0 cipher kinds (3 bytes); name or NULL. */
const char *tw_ssl2_cipher_name(uint32_t kind);

/* Sizes that follow from a bulk cipher. */
struct tw_bulk_info {
    const char *openssl_name; /* for EVP_CIPHER_fetch, e.g. "AES-128-GCM"; NULL for no encryption,
                                 "" where libcrypto has no such cipher (Camellia-GCM, GOST) */
    uint8_t key_len, iv_len, block_len; /* iv_len: fixed part for AEADs (4 or 12), block for CBC;
                                           key_len: bytes of the key block (5 for export) */
    uint8_t tag_len;                    /* AEAD only, else 0 */
    uint8_t explicit_nonce;             /* 8 for GCM and CCM in TLS 1.2, else 0 */
};
const struct tw_bulk_info *tw_bulk_info(enum tw_bulk b);
size_t tw_hash_len(enum tw_hash_id h);

/* ---- groups --------------------------------------------------------------------------------- */

enum tw_group_kind { TW_GROUP_ECP, TW_GROUP_XDH, TW_GROUP_FFDHE, TW_GROUP_HYBRID, TW_GROUP_KEM,
                     TW_GROUP_OTHER };

struct tw_group {
    uint16_t id;
    const char *name;     /* IANA: x25519, secp256r1, X25519MLKEM768 */
    const char *alias;    /* OpenSSL: X25519, P-256 or prime256v1; NULL if same but for case */
    enum tw_group_kind kind;
    uint16_t bits;        /* classical strength of the field or modulus, for display */
    uint16_t client_share, server_share; /* key_exchange lengths in bytes; 0 unknown */
    bool tls13;           /* may be used in TLS 1.3 */
    const char *source;
};

enum {
    TW_GRP_SECP192R1 = 19, TW_GRP_SECP224R1 = 21, TW_GRP_SECP256R1 = 23, TW_GRP_SECP384R1 = 24,
    TW_GRP_SECP521R1 = 25, TW_GRP_BP256R1 = 26, TW_GRP_BP384R1 = 27, TW_GRP_BP512R1 = 28,
    TW_GRP_X25519 = 29, TW_GRP_X448 = 30, TW_GRP_FFDHE2048 = 0x0100, TW_GRP_FFDHE3072 = 0x0101,
    TW_GRP_FFDHE4096 = 0x0102, TW_GRP_FFDHE6144 = 0x0103, TW_GRP_FFDHE8192 = 0x0104,
    TW_GRP_MLKEM512 = 0x0200, TW_GRP_MLKEM768 = 0x0201, TW_GRP_MLKEM1024 = 0x0202,
    TW_GRP_SECP256R1MLKEM768 = 0x11eb, TW_GRP_X25519MLKEM768 = 0x11ec,
    TW_GRP_SECP384R1MLKEM1024 = 0x11ed
};

const struct tw_group *tw_group_by_id(uint16_t id);
const struct tw_group *tw_group_by_name(const char *name);
const struct tw_group *tw_group_at(size_t i);

/* ---- signature schemes ------------------------------------------------------------------------ */

enum tw_sig_kind { TW_SIG_RSA_PKCS1, TW_SIG_RSA_PSS, TW_SIG_ECDSA, TW_SIG_EDDSA, TW_SIG_DSA,
                   TW_SIG_MLDSA, TW_SIG_GOST, TW_SIG_SM2, TW_SIG_OTHER };

struct tw_sigscheme {
    uint16_t id;
    const char *name;    /* IANA: ecdsa_secp256r1_sha256 */
    const char *alias;   /* OpenSSL: ECDSA+SHA256; NULL if none */
    enum tw_sig_kind kind;
    enum tw_hash_id hash; /* TW_HASH_NONE for EdDSA */
    uint16_t group;      /* curve that TLS 1.3 binds it to, or 0 */
    bool pss_key;        /* rsa_pss_pss_*: key OID is id-RSASSA-PSS */
    bool tls13;          /* allowed in CertificateVerify of TLS 1.3 */
    const char *source;
};

const struct tw_sigscheme *tw_sigscheme_by_id(uint16_t id);
const struct tw_sigscheme *tw_sigscheme_by_name(const char *name);
const struct tw_sigscheme *tw_sigscheme_at(size_t i);

/* ---- alerts, extensions, messages, record types ------------------------------------------------ */

struct tw_code {
    uint32_t code;
    const char *name;   /* "handshake_failure" */
    const char *source;
};
const struct tw_code *tw_alert_by_code(uint8_t code);
const struct tw_code *tw_extension_by_code(uint16_t code);
const struct tw_code *tw_handshake_type_by_code(uint8_t code); /* 2 -> "server_hello" */
const struct tw_code *tw_content_type_by_code(uint8_t code);   /* 22 -> "handshake" */
const struct tw_code *tw_client_cert_type_by_code(uint8_t code);
/** Message name as people know it: 2 -> "ServerHello"; NULL when unknown. */
const char *tw_message_title(uint8_t handshake_type);

/** RFC 8701: 0x0a0a, 0x1a1a, ... */
static inline bool tw_is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && (v >> 8) == (v & 0xff);
}

/* ---- names for anything, for display ------------------------------------------------------------ */

/** Name, or "0x1a1a (GREASE)", or "0x1234"; into the caller's buffer, always terminated. */
const char *tw_suite_label(uint16_t id, char *buf, size_t cap);
const char *tw_group_label(uint16_t id, char *buf, size_t cap);
const char *tw_sigscheme_label(uint16_t id, char *buf, size_t cap);
const char *tw_extension_label(uint16_t id, char *buf, size_t cap);
const char *tw_version_label(uint16_t v, char *buf, size_t cap);

/* ---- object identifiers --------------------------------------------------------------------------- */

struct tw_oid {
    const char *dotted;  /* "2.5.29.17" */
    const char *name;    /* "subjectAltName" */
    const char *source;
};
/** By DER content bytes of an OBJECT IDENTIFIER. */
const struct tw_oid *tw_oid_by_der(struct tw_view der);
/**
 * Dotted text of DER content bytes into buf; "?" when malformed, too long for cap, or an arc has
 * more than 64 bits.
 */
const char *tw_oid_dotted(struct tw_view der, char *buf, size_t cap);

#endif
