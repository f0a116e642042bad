/* Facts from the hellos, EncryptedExtensions and NewSessionTicket. */
#include "wire/ext.h"

static void note_version(const struct tw_noter *k, const char *field, uint16_t v,
                         struct tw_view at)
{
    char label[64];
    tw_note_num(k, field, v, at, tw_version_label(v, label, sizeof label));
}

void tw_note_client_hello(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_client_hello m;
    bool good = tw_client_hello_decode(&r, &m);
    if (k->body.len >= 2)
        note_version(k, "legacy_version", m.version, tw_view_sub(k->body, 0, 2));
    if (m.random.len > 0) {
        tw_note_data(k, "random", m.random, 0, NULL);
        tw_note_data(k, "legacy_session_id", m.session_id, m.session_id.len, NULL);
    }
    if (m.ciphers.len > 0)
        tw_note_data(k, "cipher_suites", m.ciphers, m.ciphers.len / 2, NULL);
    if (m.compressions.len > 0)
        tw_note_data(k, "legacy_compression_methods", m.compressions, m.compressions.len, NULL);
    tw_note_extensions(k, m.extensions, TW_IN_CH);
    if (!good)
        tw_note_malformed(k, &r);
}

/* RFC 8446 4.1.3: a server that could do better marks the end of its random. */
static void note_downgrade(const struct tw_noter *k, const struct tw_server_hello *m)
{
    struct tw_view tail = tw_view_sub(m->random, 24, 8);
    if (tail.len != 8 || memcmp(tail.data, "DOWNGRD", 7) != 0 || tail.data[7] > 1)
        return;
    note_version(k, "downgrade_sentinel", tail.data[7] == 1 ? TW_TLS12 : TW_TLS11, tail);
}

/* Up to TLS 1.2 the echo of an offered session id says that the session goes on, RFC 5246 7.4.1.3;
 * with a ticket too, RFC 5077 3.4. */
static bool echoes_session(const struct tw_noter *k, const struct tw_server_hello *m)
{
    const struct tw_fact *hello =
        tw_trace_message(k->n->trace, k->n->conn, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    if (hello == NULL || m->session_id.len == 0)
        return false;
    struct tw_reader r = tw_rd_of(hello->data);
    struct tw_client_hello ch;
    tw_client_hello_decode(&r, &ch);
    return tw_view_eq(ch.session_id, m->session_id);
}

static void note_choice(const struct tw_noter *k, const struct tw_server_hello *m)
{
    char label[80];
    tw_note_negotiated(k, "version", m->selected_version,
                       tw_version_label(m->selected_version, label, sizeof label));
    tw_note_negotiated(k, "cipher", m->cipher, tw_suite_label(m->cipher, label, sizeof label));
    if (m->compression != 0)
        tw_note_negotiated(k, "compression", m->compression, NULL);
    if (m->selected_version < TW_TLS13 && echoes_session(k, m))
        tw_note_negotiated(k, "resumed", 1, "session id");
}

static void note_server_fields(const struct tw_noter *k, const struct tw_server_hello *m)
{
    char label[80];
    tw_note_data(k, "random", m->random, 0, NULL);
    note_downgrade(k, m);
    /* version, random and the session id with its length are in front of these */
    size_t at = 2 + 32 + 1 + m->session_id.len;
    if (k->body.len > 34)
        tw_note_data(k, "legacy_session_id_echo", m->session_id, m->session_id.len, NULL);
    if (k->body.len >= at + 2)
        tw_note_num(k, "cipher_suite", m->cipher, tw_view_sub(k->body, at, 2),
                    tw_suite_label(m->cipher, label, sizeof label));
    if (k->body.len >= at + 3)
        tw_note_num(k, "legacy_compression_method", m->compression,
                    tw_view_sub(k->body, at + 2, 1), NULL);
}

void tw_note_server_hello(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_server_hello m;
    bool good = tw_server_hello_decode(&r, &m);
    bool tls13 = m.selected_version >= TW_TLS13;
    if (k->body.len >= 2)
        note_version(k, "legacy_version", m.version, tw_view_sub(k->body, 0, 2));
    if (m.random.len > 0)
        note_server_fields(k, &m);
    /* what was chosen stands before the extensions: damage there does not undo it */
    if (!m.is_hrr && (good || m.has_extensions))
        note_choice(k, &m);
    tw_note_extensions(k, m.extensions, m.is_hrr ? TW_IN_HRR : tls13 ? TW_IN_SH13 : TW_IN_SH12);
    if (!good)
        tw_note_malformed(k, &r);
}

void tw_note_encrypted_extensions(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_encrypted_extensions m;
    bool good = tw_encrypted_extensions_decode(&r, &m);
    tw_note_extensions(k, m.extensions, TW_IN_EE);
    if (!good)
        tw_note_malformed(k, &r);
}

void tw_note_new_session_ticket(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_new_session_ticket m = {.tls13 = k->version >= TW_TLS13};
    bool good = tw_new_session_ticket_decode(&r, &m);
    if (!m.tls13)
        k->source = "RFC 5077 3.3";
    if (k->body.len >= 4)
        tw_note_num(k, "ticket_lifetime", m.lifetime, tw_view_sub(k->body, 0, 4), NULL);
    if (good || m.ticket.len > 0)
        tw_note_num(k, "ticket", m.ticket.len, m.ticket, NULL);
    tw_note_extensions(k, m.extensions, TW_IN_NST);
    if (!good)
        tw_note_malformed(k, &r);
}
