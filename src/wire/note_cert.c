/* Facts from Certificate, CompressedCertificate, CertificateRequest, CertificateStatus and
 * CertificateVerify. What a certificate says is for x509/; here it is kept whole. */
#include "wire/ext.h"

static void note_entry(const struct tw_noter *k, int64_t place, struct tw_view der,
                       struct tw_view extensions)
{
    struct tw_noter entry = *k;
    entry.place = place;
    uint64_t off = (uint64_t)((uintptr_t)der.data - (uintptr_t)k->body.data);
    tw_trace_add(k->n->trace, (struct tw_fact){.conn = k->n->conn,
                                               .at = k->n->at,
                                               .kind = TW_FACT_CERTIFICATE,
                                               .from = k->n->from,
                                               .msg = k->msg,
                                               .protected_ = k->n->protected_,
                                               .off = off,
                                               .len = der.len,
                                               .num = place,
                                               .data = der,
                                               .source = k->source});
    tw_note_extensions(&entry, extensions, TW_IN_CT);
}

void tw_note_certificate(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_certificate_msg m = {.tls13 = k->version >= TW_TLS13};
    bool good = tw_certificate_decode(&r, &m);
    struct tw_reader list = tw_rd_of(m.list);
    struct tw_view der, extensions;
    int64_t place = 0;
    if (!m.tls13)
        k->source = "RFC 5246 7.4.2";
    if (m.context.len > 0)
        tw_note_data(k, "certificate_request_context", m.context, m.context.len, NULL);
    for (; tw_certificate_next(&list, m.tls13, &der, &extensions); place++) {
        if (place == TW_NOTE_MAX_ITEMS) {
            tw_note_limit(k, "certificate_list");
            break;
        }
        note_entry(k, place, der, extensions);
    }
    if (good || place > 0)
        tw_note_num(k, "certificate_list", (uint64_t)place, m.list, NULL);
    if (!good)
        tw_note_malformed(k, &r);
}

static const char *compression_name(uint16_t algorithm)
{
    static const char *const names[] = {NULL, "zlib", "brotli", "zstd"}; /* RFC 8879 7.3 */
    return algorithm < TW_ARRAY_LEN(names) ? names[algorithm] : NULL;
}

/* The message inside is noted as one of its own, so that its byte ranges have a body to refer to;
 * its text says that it was not on the wire in this form. */
static void note_inflated(const struct tw_noter *k, struct tw_view body)
{
    struct tw_noter inner = {.n = k->n, .msg = TW_MSG_CERTIFICATE, .body = body,
                             .version = k->version, .source = "RFC 8446 4.4.2"};
    tw_trace_add(k->n->trace,
                 (struct tw_fact){.conn = k->n->conn,
                                  .at = k->n->at,
                                  .kind = TW_FACT_MESSAGE,
                                  .from = k->n->from,
                                  .msg = TW_MSG_CERTIFICATE,
                                  .protected_ = k->n->protected_,
                                  .off = k->n->off,
                                  .len = (uint64_t)k->body.len + 4,
                                  .aux = k->version,
                                  .field = k->n->protected_ ? "protected" : "plain",
                                  .text = "decompressed",
                                  .data = body,
                                  .source = inner.source});
    tw_note_certificate(&inner);
}

void tw_note_compressed_certificate(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_compressed_certificate m;
    if (!tw_compressed_certificate_decode(&r, &m)) {
        tw_note_malformed(k, &r);
        return;
    }
    tw_note_num(k, "algorithm", m.algorithm, tw_view_sub(k->body, 0, 2),
                compression_name(m.algorithm));
    tw_note_num(k, "uncompressed_length", m.length, tw_view_sub(k->body, 2, 3), NULL);
    struct tw_buf plain;
    tw_buf_init(&plain, TW_MAX_HANDSHAKE_MESSAGE);
    if (tw_certificate_inflate(&m, &plain)) {
        note_inflated(k, tw_buf_view(&plain));
    } else {
        r.pos = m.data.data == NULL ? 0 : (size_t)(m.data.data - k->body.data);
        tw_rd_fail(&r, "compressed_certificate_message");
        tw_note_malformed(k, &r);
    }
    tw_buf_cleanup(&plain);
}

static void note_authorities(const struct tw_noter *k, struct tw_view list)
{
    struct tw_reader r = tw_rd_of(list);
    struct tw_view name;
    for (size_t i = 0; tw_authority_next(&r, &name); i++) {
        if (i == TW_NOTE_MAX_ITEMS) {
            tw_note_limit(k, "certificate_authorities");
            break;
        }
        tw_note_data(k, "certificate_authorities", name, i, NULL);
    }
}

/* signature_algorithms of TLS 1.3 is noted with the extension. */
void tw_note_certificate_request(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_certificate_request m = {.version = k->version};
    bool good = tw_certificate_request_decode(&r, &m);
    if (k->version < TW_TLS13)
        k->source = "RFC 5246 7.4.4";
    if (m.context.len > 0)
        tw_note_data(k, "certificate_request_context", m.context, m.context.len, NULL);
    if (m.types.len > 0)
        tw_note_data(k, "certificate_types", m.types, m.types.len, NULL);
    if (k->version < TW_TLS13 && m.sigalgs.len > 0)
        tw_note_data(k, "signature_algorithms", m.sigalgs, m.sigalgs.len / 2, NULL);
    tw_note_extensions(k, m.extensions, TW_IN_CR);
    note_authorities(k, m.authorities);
    if (!good)
        tw_note_malformed(k, &r);
}

void tw_note_certificate_status(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_certificate_status m;
    if (!tw_certificate_status_decode(&r, &m)) {
        tw_note_malformed(k, &r);
        return;
    }
    tw_note_num(k, "status_type", m.type, tw_view_sub(k->body, 0, 1), NULL);
    tw_note_data(k, "ocsp_response", m.response, m.response.len, NULL);
}

void tw_note_certificate_verify(struct tw_noter *k)
{
    char label[64];
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_certificate_verify m = {.version = k->version};
    bool good = tw_certificate_verify_decode(&r, &m);
    if (k->version < TW_TLS13)
        k->source = "RFC 5246 7.4.8";
    if (k->version >= TW_TLS12 && k->body.len >= 2) {
        tw_sigscheme_label(m.scheme, label, sizeof label);
        tw_note_num(k, "algorithm", m.scheme, tw_view_sub(k->body, 0, 2), label);
        if (k->n->from == TW_SERVER)
            tw_note_negotiated(k, "signature", m.scheme, label);
    }
    if (good)
        tw_note_num(k, "signature", m.signature.len, m.signature, NULL);
    else
        tw_note_malformed(k, &r);
}
