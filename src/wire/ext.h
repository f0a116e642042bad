/*
 * Extensions as objects: one row each in one ordered list (ext_table.c), found by code point.
 * Inside of wire/; others use wire.h. ext_*.c hold the objects, grouped by what they are about,
 * each with the reader of its body next to its writer and its notes.
 */
#ifndef TW_WIRE_EXT_H
#define TW_WIRE_EXT_H

#include "wire/note.h"
#include "wire/wire.h"

/** Messages in which an extension may appear: the table of RFC 8446 4.2, with the ServerHello of
 *  TLS 1.2 and earlier as a column of its own. */
enum tw_ext_in {
    TW_IN_CH = 1 << 0,
    TW_IN_SH12 = 1 << 1,
    TW_IN_SH13 = 1 << 2,
    TW_IN_HRR = 1 << 3,
    TW_IN_EE = 1 << 4,
    TW_IN_CT = 1 << 5,
    TW_IN_CR = 1 << 6,
    TW_IN_NST = 1 << 7
};

/** Code points for GREASE, RFC 8701 3, all from one seed, so that a second ClientHello has the
 *  same ones. */
struct tw_grease {
    uint16_t cipher, group, version, first_ext, last_ext;
};

struct tw_ext_build {
    const struct tw_hello *hello;
    const struct tw_hello_secrets *secrets;
    struct tw_grease grease;
};

struct tw_extension {
    uint16_t code;
    unsigned in; /* enum tw_ext_in */
    /** Appends the body for a ClientHello; false when the recipe leaves nothing to send. NULL:
     *  this extension is sent only with a given body. */
    bool (*encode)(const struct tw_ext_build *x, struct tw_buf *b);
    /** Notes what the body holds, in the message of k; NULL: nothing but its presence. A body
     *  that cannot be read is left to tw_note_broken_extension(). */
    bool (*note)(const struct tw_noter *k, struct tw_view body);
    const char *source;
};

/** Row by code point, or NULL. */
const struct tw_extension *tw_extension_find(uint16_t code);
/** Row i in code point order; NULL past the end. */
const struct tw_extension *tw_extension_at(size_t i);

/* One object each; the list is in ext_table.c. */
extern const struct tw_extension tw_ext_server_name, tw_ext_alpn, tw_ext_max_fragment_length,
    tw_ext_status_request, tw_ext_supported_groups, tw_ext_ec_point_formats,
    tw_ext_signature_algorithms, tw_ext_signature_algorithms_cert, tw_ext_sct,
    tw_ext_encrypt_then_mac, tw_ext_extended_master_secret, tw_ext_compress_certificate,
    tw_ext_record_size_limit, tw_ext_session_ticket, tw_ext_pre_shared_key, tw_ext_early_data,
    tw_ext_supported_versions, tw_ext_cookie, tw_ext_psk_key_exchange_modes,
    tw_ext_certificate_authorities, tw_ext_post_handshake_auth, tw_ext_key_share, tw_ext_ech,
    tw_ext_renegotiation_info, tw_ext_padding;

/* ---- for the message decoders ---------------------------------------------------------------- */

/** Vector whose length must be in [min, max]; else the field fails. */
struct tw_view tw_ext_bounded_vec(struct tw_reader *r, size_t len_bytes, size_t min, size_t max,
                                  const char *field);
/** Extension block with its 2-byte length; its framing is checked down to the last extension, and
 *  a failure inside becomes one of r, while the view still covers the block. */
struct tw_view tw_ext_block(struct tw_reader *r);
/** True when TLS 1.3 is among the versions of a recipe. */
bool tw_ext_offers_tls13(const struct tw_ext_build *x);
/** u16 list with its length in front, GREASE first when the recipe says so (0 = none). */
void tw_ext_write_u16s(struct tw_buf *b, size_t len_bytes, const struct tw_u16list *l,
                       uint16_t grease);

#endif
