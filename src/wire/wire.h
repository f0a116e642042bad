/*
 * TLS on the wire: records, handshake messages, extensions; decode and encode. Lenient: a decoder
 * goes on as far as the framing allows and reports the first field that failed, with its offset.
 * Views in decoded structs borrow from the reader's input.
 *
 * Every decode function returns true when the whole body was well-formed. On false the reader
 * holds field and offset; what was decoded before stays filled in, the rest is zero.
 */
#ifndef TW_WIRE_H
#define TW_WIRE_H

#include "base/base.h"
#include "registry/registry.h"
#include "trace/trace.h"

/* ---- constants ------------------------------------------------------------------------------- */

enum { TW_CT_CCS = 20, TW_CT_ALERT = 21, TW_CT_HANDSHAKE = 22, TW_CT_APP_DATA = 23,
       TW_CT_HEARTBEAT = 24 };

enum {
    TW_MSG_HELLO_REQUEST = 0, TW_MSG_CLIENT_HELLO = 1, TW_MSG_SERVER_HELLO = 2,
    TW_MSG_NEW_SESSION_TICKET = 4, TW_MSG_END_OF_EARLY_DATA = 5, TW_MSG_ENCRYPTED_EXTENSIONS = 8,
    TW_MSG_CERTIFICATE = 11, TW_MSG_SERVER_KEY_EXCHANGE = 12, TW_MSG_CERTIFICATE_REQUEST = 13,
    TW_MSG_SERVER_HELLO_DONE = 14, TW_MSG_CERTIFICATE_VERIFY = 15, TW_MSG_CLIENT_KEY_EXCHANGE = 16,
    TW_MSG_FINISHED = 20, TW_MSG_CERTIFICATE_STATUS = 22, TW_MSG_SUPPLEMENTAL_DATA = 23,
    TW_MSG_KEY_UPDATE = 24, TW_MSG_COMPRESSED_CERTIFICATE = 25, TW_MSG_NEXT_PROTOCOL = 67,
    TW_MSG_MESSAGE_HASH = 254,
    TW_MSG_HELLO_RETRY_REQUEST = 6 /* never on the wire today (it is a ServerHello with a fixed
                                      random); used for msg in facts and the order table */
};

enum {
    TW_EXT_SERVER_NAME = 0, TW_EXT_MAX_FRAGMENT_LENGTH = 1, TW_EXT_STATUS_REQUEST = 5,
    TW_EXT_SUPPORTED_GROUPS = 10, TW_EXT_EC_POINT_FORMATS = 11, TW_EXT_SIGNATURE_ALGORITHMS = 13,
    TW_EXT_ALPN = 16, TW_EXT_SCT = 18, TW_EXT_PADDING = 21, TW_EXT_ENCRYPT_THEN_MAC = 22,
    TW_EXT_EXTENDED_MASTER_SECRET = 23, TW_EXT_COMPRESS_CERTIFICATE = 27,
    TW_EXT_RECORD_SIZE_LIMIT = 28, TW_EXT_SESSION_TICKET = 35, TW_EXT_PRE_SHARED_KEY = 41,
    TW_EXT_EARLY_DATA = 42, TW_EXT_SUPPORTED_VERSIONS = 43, TW_EXT_COOKIE = 44,
    TW_EXT_PSK_KEY_EXCHANGE_MODES = 45, TW_EXT_CERTIFICATE_AUTHORITIES = 47,
    TW_EXT_POST_HANDSHAKE_AUTH = 49, TW_EXT_SIGNATURE_ALGORITHMS_CERT = 50, TW_EXT_KEY_SHARE = 51,
    TW_EXT_ECH = 0xfe0d, TW_EXT_RENEGOTIATION_INFO = 0xff01
};

enum {
    TW_ALERT_CLOSE_NOTIFY = 0, TW_ALERT_UNEXPECTED_MESSAGE = 10, TW_ALERT_BAD_RECORD_MAC = 20,
    TW_ALERT_RECORD_OVERFLOW = 22, TW_ALERT_HANDSHAKE_FAILURE = 40, TW_ALERT_BAD_CERTIFICATE = 42,
    TW_ALERT_UNSUPPORTED_CERTIFICATE = 43, TW_ALERT_CERTIFICATE_EXPIRED = 45,
    TW_ALERT_CERTIFICATE_UNKNOWN = 46, TW_ALERT_ILLEGAL_PARAMETER = 47, TW_ALERT_UNKNOWN_CA = 48,
    TW_ALERT_ACCESS_DENIED = 49, TW_ALERT_DECODE_ERROR = 50, TW_ALERT_DECRYPT_ERROR = 51,
    TW_ALERT_PROTOCOL_VERSION = 70, TW_ALERT_INSUFFICIENT_SECURITY = 71,
    TW_ALERT_INTERNAL_ERROR = 80, TW_ALERT_INAPPROPRIATE_FALLBACK = 86,
    TW_ALERT_USER_CANCELED = 90, TW_ALERT_NO_RENEGOTIATION = 100,
    TW_ALERT_MISSING_EXTENSION = 109, TW_ALERT_UNSUPPORTED_EXTENSION = 110,
    TW_ALERT_UNRECOGNIZED_NAME = 112, TW_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE = 113,
    TW_ALERT_UNKNOWN_PSK_IDENTITY = 115, TW_ALERT_CERTIFICATE_REQUIRED = 116,
    TW_ALERT_NO_APPLICATION_PROTOCOL = 120
};

enum { TW_MAX_RECORD = 16384 + 2048, TW_MAX_HANDSHAKE_MESSAGE = 256 * 1024 };

/** The random that marks a ServerHello as HelloRetryRequest, RFC 8446 4.1.3. */
extern const uint8_t tw_hrr_random[32];

/* ---- records (record.c) ------------------------------------------------------------------------ */

struct tw_record {
    uint8_t type;
    uint16_t version;
    struct tw_view body;
    uint64_t off; /* of the header in the stream */
};

enum tw_record_status { TW_REC_NEED_MORE, TW_REC_OK, TW_REC_NOT_TLS, TW_REC_TOO_LONG, TW_REC_SSL2 };

/**
 * Look at the start of buffered stream bytes for one record (RFC 8446 5.1, RFC 5246 6.2.1).
 * @param first  true when nothing came before on this stream: then also SSL 2.0 headers
 *               (draft-hickman) are recognised (TW_REC_SSL2: body = the SSL2 message without
 *               header, used = bytes), and anything that is not 0x14..0x18 0x03 is NOT_TLS at once
 *               (with as little as one byte, when that byte already excludes TLS)
 * @param used   bytes that the record takes, when OK, SSL2
 * rec->off is left 0: the caller knows where in the stream it is.
 */
enum tw_record_status tw_record_peek(struct tw_view in, bool first, struct tw_record *rec,
                                     size_t *used);
/** One record; a body over TW_MAX_RECORD makes b fail: cutting into fragments is the caller's. */
void tw_record_write(struct tw_buf *b, uint8_t type, uint16_t version, struct tw_view body);

/** Alert body of two bytes. */
struct tw_alert { uint8_t level, description; };
bool tw_alert_decode(struct tw_reader *r, struct tw_alert *a);

/** Handshake message header at the start of in: true when a whole message is there. */
bool tw_handshake_peek(struct tw_view in, uint8_t *type, struct tw_view *body, size_t *used);
/** Length that the header at the start of in announces, with header; 0 when < 4 bytes there. */
size_t tw_handshake_announced(struct tw_view in);
/** Header with open length; close with tw_wr_close(b, mark, 3). */
size_t tw_handshake_open(struct tw_buf *b, uint8_t type);

/* ---- extensions (ext.c and ext_*.c) ------------------------------------------------------------ */

struct tw_ext {
    uint16_t type;
    struct tw_view body;
    size_t off; /* of the body in the message */
};
/** Iterate an extension block; false at its end or on failure (the reader says which). */
bool tw_ext_next(struct tw_reader *r, struct tw_ext *e);
/** Body of the first extension of a type in a block; true when present. */
bool tw_ext_find(struct tw_view extensions, uint16_t type, struct tw_view *body);

/** List of u16 in a vector with 1- or 2-byte length (supported_versions, groups, sigalgs, ...). */
struct tw_u16s { uint16_t v[256]; size_t n; bool more; };
bool tw_ext_u16_list(struct tw_view body, size_t len_bytes, struct tw_u16s *out);
/** host_name of a client's server_name extension. */
bool tw_ext_sni(struct tw_view body, struct tw_view *host);
/** i-th protocol of an ALPN extension. */
bool tw_ext_alpn_at(struct tw_view body, size_t i, struct tw_view *proto);
struct tw_key_share { uint16_t group; struct tw_view key; };
bool tw_ext_key_share_at(struct tw_view client_body, size_t i, struct tw_key_share *ks);
bool tw_ext_key_share_server(struct tw_view body, struct tw_key_share *ks);   /* ServerHello */
bool tw_ext_u16(struct tw_view body, uint16_t *v); /* selected_version, HRR group */
/** Offered PSK identity i and its binder. */
bool tw_ext_psk_at(struct tw_view client_body, size_t i, struct tw_view *identity,
                   uint32_t *obfuscated_age, struct tw_view *binder);

/* ---- messages: one file each (client_hello.c, server_hello.c, ...) -------------------------------- */

struct tw_client_hello {                       /* RFC 8446 4.1.2 */
    uint16_t version;
    struct tw_view random, session_id, cookie /* DTLS only */, ciphers, compressions, extensions;
    bool has_extensions;
};
bool tw_client_hello_decode(struct tw_reader *r, struct tw_client_hello *m);
void tw_client_hello_encode(struct tw_buf *b, const struct tw_client_hello *m); /* body only */

struct tw_server_hello {                       /* RFC 8446 4.1.3 */
    uint16_t version;                          /* legacy_version */
    struct tw_view random, session_id;
    uint16_t cipher;
    uint8_t compression;
    struct tw_view extensions;
    bool has_extensions;
    bool is_hrr;                               /* by its random */
    uint16_t selected_version;                 /* supported_versions, else version */
};
bool tw_server_hello_decode(struct tw_reader *r, struct tw_server_hello *m);
void tw_server_hello_encode(struct tw_buf *b, const struct tw_server_hello *m);

struct tw_encrypted_extensions { struct tw_view extensions; };
bool tw_encrypted_extensions_decode(struct tw_reader *r, struct tw_encrypted_extensions *m);
void tw_encrypted_extensions_encode(struct tw_buf *b, const struct tw_encrypted_extensions *m);

struct tw_certificate_msg {                    /* RFC 8446 4.4.2, RFC 5246 7.4.2 */
    bool tls13;
    struct tw_view context;                    /* TLS 1.3 */
    struct tw_view list;                       /* raw certificate_list */
    size_t list_off;                           /* its offset in the message */
};
/** tls13 must be set by the caller before. */
bool tw_certificate_decode(struct tw_reader *r, struct tw_certificate_msg *m);
/** Iterate: r starts as tw_rd_of(m->list). extensions empty below TLS 1.3. */
bool tw_certificate_next(struct tw_reader *r, bool tls13, struct tw_view *der,
                         struct tw_view *extensions);
void tw_certificate_encode(struct tw_buf *b, bool tls13, struct tw_view context,
                           const struct tw_view *certs, const struct tw_view *exts, size_t n);

struct tw_compressed_certificate { uint16_t algorithm; uint32_t length; struct tw_view data; };
bool tw_compressed_certificate_decode(struct tw_reader *r, struct tw_compressed_certificate *m);
/** RFC 8879: 1 zlib, 2 brotli, 3 zstd. out gets exactly m->length bytes; false otherwise, also
 *  for an algorithm that is unknown and for length > TW_MAX_HANDSHAKE_MESSAGE. */
bool tw_certificate_inflate(const struct tw_compressed_certificate *m, struct tw_buf *out);

struct tw_certificate_request {                /* RFC 8446 4.3.2; RFC 5246 7.4.4; RFC 2246 7.4.4 */
    uint16_t version;                          /* set by the caller: decides the layout */
    struct tw_view context, extensions;        /* TLS 1.3 */
    struct tw_view types, sigalgs, authorities; /* before; raw lists (authorities: 2-byte vectors;
                                                   in 1.3 taken from the extensions) */
};
bool tw_certificate_request_decode(struct tw_reader *r, struct tw_certificate_request *m);
void tw_certificate_request_encode(struct tw_buf *b, const struct tw_certificate_request *m);
/** Next DER distinguished name of an authorities list. */
bool tw_authority_next(struct tw_reader *r, struct tw_view *name);

struct tw_certificate_verify { uint16_t version /* by caller */, scheme; struct tw_view signature; };
bool tw_certificate_verify_decode(struct tw_reader *r, struct tw_certificate_verify *m);
void tw_certificate_verify_encode(struct tw_buf *b, const struct tw_certificate_verify *m);

struct tw_server_key_exchange {                /* RFC 5246 7.4.3, RFC 8422 5.4, RFC 4279 */
    enum tw_kx kx; enum tw_auth auth; uint16_t version;  /* set by the caller */
    struct tw_view psk_hint;
    struct tw_view dh_p, dh_g, dh_ys;
    uint8_t curve_type; uint16_t group; struct tw_view point;
    struct tw_view rsa_modulus, rsa_exponent;  /* export RSA */
    struct tw_view params;                     /* the bytes that are signed */
    uint16_t scheme;                           /* 1.2; 0 before */
    struct tw_view signature;                  /* empty for anonymous and PSK */
};
bool tw_server_key_exchange_decode(struct tw_reader *r, struct tw_server_key_exchange *m);
void tw_server_key_exchange_encode(struct tw_buf *b, const struct tw_server_key_exchange *m);

struct tw_client_key_exchange { enum tw_kx kx; uint16_t version; struct tw_view psk_identity, body; };
bool tw_client_key_exchange_decode(struct tw_reader *r, struct tw_client_key_exchange *m);
void tw_client_key_exchange_encode(struct tw_buf *b, const struct tw_client_key_exchange *m);

struct tw_new_session_ticket {                 /* RFC 8446 4.6.1, RFC 5077 3.3 */
    bool tls13; uint32_t lifetime, age_add; struct tw_view nonce, ticket, extensions;
};
bool tw_new_session_ticket_decode(struct tw_reader *r, struct tw_new_session_ticket *m);
void tw_new_session_ticket_encode(struct tw_buf *b, const struct tw_new_session_ticket *m);

struct tw_certificate_status { uint8_t type; struct tw_view response; };
bool tw_certificate_status_decode(struct tw_reader *r, struct tw_certificate_status *m);
void tw_certificate_status_encode(struct tw_buf *b, const struct tw_certificate_status *m);

/* SSL 2.0 (draft-hickman-netscape-ssl-00): enough to see what a server speaks. Bodies without the
 * 2-byte record header. */
struct tw_ssl2_server_hello { uint8_t hit, cert_type; uint16_t version; struct tw_view cert, ciphers,
                              connection_id; };
bool tw_ssl2_server_hello_decode(struct tw_reader *r, struct tw_ssl2_server_hello *m);
/** Whole record: ClientHello of version 2 offering the seven classic cipher kinds. */
void tw_ssl2_client_hello_write(struct tw_buf *b, uint16_t version, struct tw_view challenge);

/* ---- ClientHello recipe (hello.c): what is sent, every part of it settable ------------------------ */

enum { TW_HELLO_MAX_LIST = 128, TW_HELLO_MAX_EXT = 48, TW_HELLO_MAX_SHARES = 8 };

struct tw_u16list { uint16_t v[TW_HELLO_MAX_LIST]; size_t n; };

/** A ClientHello to be made. A plain value: copy it, change one thing, hand it on. */
struct tw_hello {
    uint16_t record_version;      /* of the first record; 0x0301 */
    uint16_t legacy_version;      /* 0x0303 */
    struct tw_u16list versions;   /* supported_versions; also decides what the engine accepts when
                                     the extension is absent (then: min..max of this list) */
    struct tw_u16list ciphers;
    struct tw_u16list groups;     /* supported_groups */
    struct tw_u16list shares;     /* groups to send key shares for, in order */
    struct tw_u16list sigalgs;
    struct tw_u16list sigalgs_cert; /* n = 0: extension not sent even if listed */
    struct tw_u16list cert_compression;
    char server_name[256];        /* "" = no SNI even if listed */
    char alpn[8][32]; size_t alpn_n;
    bool grease;                  /* GREASE in versions, ciphers, groups, shares, extensions (8701) */
    uint32_t grease_seed;
    bool compress_null_only;      /* default true; false also offers DEFLATE */
    bool random_session_id;       /* 32 bytes, middlebox compatibility mode */
    size_t record_max;            /* spread it over TLS records of at most so many bytes; 0 = one */
    size_t pad_to;                /* pad the handshake message to at least this size; 0 = no */
    /* Extensions in sending order; one not in the list is not sent. */
    uint16_t order[TW_HELLO_MAX_EXT]; size_t order_n;
    /* Extensions with given bodies; they win over the built ones (place still from order). */
    struct { uint16_t type; struct tw_view body; } raw_ext[8]; size_t raw_ext_n;
    struct tw_view raw;           /* whole ClientHello message with header, sent byte for byte */
};

/** The ClientHello of a current mainstream client. */
void tw_hello_default(struct tw_hello *h);
/** Everything this program can speak: TLS 1.0-1.3, all suites (also weak), groups, schemes. */
void tw_hello_wide(struct tw_hello *h);
bool tw_u16list_add(struct tw_u16list *l, uint16_t v);
bool tw_u16list_has(const struct tw_u16list *l, uint16_t v);
bool tw_hello_has_ext(const struct tw_hello *h, uint16_t type);
void tw_hello_drop_ext(struct tw_hello *h, uint16_t type);
/**
 * Keeps only the versions in [min, max]. Below TLS 1.3 the hello becomes one of its time:
 * legacy_version = max, no TLS 1.3 suites, shares and extensions; below 1.2 no signature_algorithms.
 */
void tw_hello_limit_versions(struct tw_hello *h, uint16_t min, uint16_t max);

/**
 * The recipe that makes a hello like this one.
 * @param message  handshake message with header; h borrows from it
 * @return false when the message is malformed; h then has what could be read
 */
bool tw_hello_of_message(struct tw_view message, uint16_t record_version, struct tw_hello *h);

/** What the engine must provide while the hello is encoded. */
struct tw_hello_secrets {
    struct tw_view random;        /* 32 */
    struct tw_view session_id;    /* 0 or 32, or a session to resume */
    struct { uint16_t group; struct tw_view key; } shares[TW_HELLO_MAX_SHARES]; size_t shares_n;
    struct tw_view cookie;        /* from HelloRetryRequest */
    struct tw_view ticket;        /* session_ticket body (<= 1.2) */
    struct tw_view psk_identity; uint32_t psk_age; size_t psk_binder_len; /* 1.3; 0 = none */
    struct tw_view ech_grease;    /* body of a GREASE ECH extension, RFC 9849 6.2 */
    bool early_data;
};
/**
 * Encodes the handshake message (with header) at the end of b. cookie, early_data and
 * pre_shared_key are sent whenever the secrets carry them, listed or not; extensions of TLS 1.3
 * only when the recipe offers TLS 1.3; listed ones that nothing here knows go out empty. The GREASE
 * key share is left out when the first share is of a group that h->shares does not have: so it is
 * after a HelloRetryRequest, if the recipe is left as it was.
 * @param binder_off  offset in the message at which the binder value is to be written, when a PSK
 *                    is offered; else 0
 * @return false      for lack of memory or when something is longer than its length field
 */
bool tw_hello_encode(const struct tw_hello *h, const struct tw_hello_secrets *s, struct tw_buf *b,
                     size_t *binder_off);

/* ---- real clients (clients.c): what each sends first ---------------------------------------------- */

struct tw_u16_row { const uint16_t *v; size_t n; };

/**
 * The ClientHello of one release of one client, in its default configuration. Without GREASE
 * values, keys and names, which differ with each connection; clients that shuffle their extensions
 * (Chrome from 110 on) have one of the orders.
 */
struct tw_client_profile {
    const char *name;             /* "java-8": what --as takes */
    const char *title;            /* program and full version */
    const char *date, *source;    /* of the capture, or of the publication; and which that was */
    uint16_t record_version, legacy_version;
    bool session_id, grease, deflate;
    uint16_t pad_to;              /* the padding extension is sent to reach this size; 0: never */
    struct tw_u16_row versions;   /* without the extension: those from the client's lowest on */
    struct tw_u16_row ciphers, groups, shares, sigalgs, sigalgs_cert, cert_compression;
    struct tw_u16_row extensions; /* in sending order, without padding */
    const char *alpn;             /* separated by commas; NULL: none */
    struct { uint16_t type; struct tw_view body; } bodies[8]; /* those that encoders do not make */
};
/** i-th profile, NULL past the end; by name, NULL when unknown. */
const struct tw_client_profile *tw_client_profile_at(size_t i);
const struct tw_client_profile *tw_client_profile_by_name(const char *name);
/** Its recipe, without server name. Views in it are static. */
void tw_client_profile_hello(const struct tw_client_profile *p, struct tw_hello *h);

/* ---- facts from messages (note.c, note_*.c): the same for every vantage ----------------------------- */

struct tw_note {                    /* where a message was seen */
    struct tw_trace *trace;
    uint32_t conn;
    uint64_t at;                    /* ns since trace start */
    enum tw_side from;
    bool protected_;
    uint16_t version;               /* negotiated version as known by now; 0 before ServerHello */
    uint16_t cipher;                /* negotiated suite; 0 before */
    uint64_t off;                   /* offset of the message's first byte in from's stream */
};
/**
 * Writes the MESSAGE fact with the body and FIELD, CERTIFICATE, NEGOTIATED and MALFORMED facts for
 * what it holds. Never fails; what cannot be decoded is a MALFORMED fact.
 * NEGOTIATED facts written here: version, cipher, group (ServerHello key_share; ServerKeyExchange),
 * signature (CertificateVerify, ServerKeyExchange), alpn, resumed (<= 1.2: session id echo; 1.3: PSK).
 */
void tw_note_message(const struct tw_note *n, uint8_t type, struct tw_view body);
void tw_note_alert(const struct tw_note *n, struct tw_view body);
void tw_note_record(const struct tw_note *n, const struct tw_record *rec, bool protected_);

#endif
