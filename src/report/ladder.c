/* Facts of one connection to rows. Notes are short, for a person, and always printable. */
#include "report/ladder.h"

#include "x509/x509.h"

struct note_buf {
    char *p;
    size_t n, cap;
};

TW_PRINTF(2, 3)
static void add(struct note_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int k = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
    va_end(ap);
    if (k > 0)
        b->n = (size_t)k >= b->cap - b->n ? b->cap - 1 : b->n + (size_t)k;
}

static void list16(struct note_buf *b, const struct tw_u16s *l,
                   const char *(*label)(uint16_t, char *, size_t), size_t max)
{
    size_t shown = 0;
    for (size_t i = 0; i < l->n && shown < max; i++) {
        char one[64];
        if (tw_is_grease(l->v[i]))
            continue;
        add(b, "%s%s", shown++ > 0 ? ", " : "", label(l->v[i], one, sizeof one));
    }
}

/* GREASE values (RFC 8701) are no suites. */
static size_t count_suites(struct tw_view ciphers)
{
    size_t n = 0;
    struct tw_reader r = tw_rd_of(ciphers);
    while (tw_rd_left(&r) >= 2)
        n += !tw_is_grease(tw_rd_u16(&r, "cipher"));
    return n;
}

static void note_client_hello(struct note_buf *b, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_client_hello m = {0};
    struct tw_view ext, host;
    struct tw_u16s l = {0};
    char one[32];
    if (!tw_client_hello_decode(&r, &m))
        return;
    if (tw_ext_find(m.extensions, TW_EXT_SUPPORTED_VERSIONS, &ext) &&
        tw_ext_u16_list(ext, 1, &l))
        list16(b, &l, tw_version_label, 5);
    else
        add(b, "up to %s", tw_version_label(m.version, one, sizeof one));
    if (tw_ext_find(m.extensions, TW_EXT_SERVER_NAME, &ext) && tw_ext_sni(ext, &host))
        add(b, "; SNI %.*s", (int)(host.len < 80 ? host.len : 80), (const char *)host.data);
    else
        add(b, "; no SNI");
    add(b, "; %zu suites", count_suites(m.ciphers));
    l.n = 0;
    if (tw_ext_find(m.extensions, TW_EXT_SUPPORTED_GROUPS, &ext) && tw_ext_u16_list(ext, 2, &l)) {
        add(b, "; ");
        list16(b, &l, tw_group_label, 2);
        if (l.n > 2)
            add(b, ", ...");
    }
}

static void note_server_hello(struct note_buf *b, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_server_hello m = {0};
    struct tw_view ext;
    char one[64];
    if (!tw_server_hello_decode(&r, &m))
        return;
    add(b, "%s, ", tw_version_label(m.selected_version, one, sizeof one));
    add(b, "%s", tw_suite_label(m.cipher, one, sizeof one));
    struct tw_key_share ks;
    uint16_t g = 0;
    if (tw_ext_find(m.extensions, TW_EXT_KEY_SHARE, &ext)) {
        if (m.is_hrr ? tw_ext_u16(ext, &g) : tw_ext_key_share_server(ext, &ks))
            add(b, ", %s%s", m.is_hrr ? "wants " : "",
                tw_group_label(m.is_hrr ? g : ks.group, one, sizeof one));
    }
}

static void note_certificate(struct note_buf *b, const struct tw_diagnosis *d, uint32_t conn,
                             enum tw_side from)
{
    const struct tw_fact *f = NULL;
    size_t n = 0;
    char dn[120];
    while ((f = tw_trace_next(d->c.trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL) {
        if (f->from != from)
            continue;
        struct tw_cert c;
        tw_cert_parse(f->data, &c);
        if (n++ == 0)
            add(b, "%s", tw_dn_text(c.subject, dn, sizeof dn));
    }
    if (n == 0)
        add(b, "no certificate");
    else
        add(b, " (%zu certificate%s)", n, n == 1 ? "" : "s");
}

static void note_check(struct note_buf *b, const struct tw_diagnosis *d, uint32_t conn,
                       const char *check, bool *bad)
{
    const struct tw_fact *f = tw_trace_last(d->c.trace, conn, TW_FACT_CHECK, check);
    if (f == NULL)
        return;
    add(b, "%s%s", b->n > 0 ? ", " : "", f->num ? "verified" : "DOES NOT VERIFY");
    *bad = f->num == 0;
}

static void note_negotiated(struct note_buf *b, const struct tw_diagnosis *d, uint32_t conn,
                            const char *field)
{
    const struct tw_fact *f = tw_trace_last(d->c.trace, conn, TW_FACT_NEGOTIATED, field);
    if (f != NULL && f->text != NULL)
        add(b, "%s%s", b->n > 0 ? ", " : "", f->text);
}

static bool path_is_bad(const struct tw_diagnosis *d, uint32_t conn)
{
    const struct tw_fact *f = tw_trace_first(d->c.trace, conn, TW_FACT_PATH, NULL);
    return f != NULL && f->num != 0 && d->outcome == TW_OUTCOME_FAIL && d->failed_at != NULL &&
           strcmp(d->failed_at, "certificate") == 0;
}

static void message_row(const struct tw_diagnosis *d, const struct tw_fact *f,
                        struct ladder_row *row, struct note_buf *b)
{
    const char *title = tw_message_title(f->msg);
    row->message = f->msg == TW_MSG_HELLO_RETRY_REQUEST ? "HelloRetryRequest"
                   : title != NULL                      ? title
                                                        : "unknown message";
    row->bytes = f->len > 0 ? f->len : f->data.len + 4;
    switch (f->msg) {
    case TW_MSG_CLIENT_HELLO:
        note_client_hello(b, f->data);
        break;
    case TW_MSG_SERVER_HELLO:
    case TW_MSG_HELLO_RETRY_REQUEST:
        note_server_hello(b, f->data);
        break;
    case TW_MSG_CERTIFICATE:
    case TW_MSG_COMPRESSED_CERTIFICATE:
        note_certificate(b, d, f->conn, f->from);
        row->bad = f->from == TW_SERVER && path_is_bad(d, f->conn);
        break;
    case TW_MSG_ENCRYPTED_EXTENSIONS:
        note_negotiated(b, d, f->conn, "alpn");
        break;
    case TW_MSG_CERTIFICATE_VERIFY:
        if (f->from == TW_SERVER) {
            note_negotiated(b, d, f->conn, "signature");
            note_check(b, d, f->conn, "certificate_verify", &row->bad);
        }
        break;
    case TW_MSG_SERVER_KEY_EXCHANGE:
        note_negotiated(b, d, f->conn, "group");
        note_negotiated(b, d, f->conn, "signature");
        note_check(b, d, f->conn, "server_key_exchange", &row->bad);
        break;
    case TW_MSG_FINISHED:
        if (f->from == TW_SERVER)
            note_check(b, d, f->conn, "finished", &row->bad);
        break;
    case TW_MSG_CERTIFICATE_REQUEST:
        add(b, "the server asks for a client certificate");
        break;
    default:
        break;
    }
}

static void end_row(const struct tw_fact *f, struct ladder_row *row, struct note_buf *b)
{
    row->from = f->from == TW_NOBODY ? TW_NETWORK : f->from;
    row->message = strcmp(f->field, "fin") == 0       ? "closed (FIN)"
                   : strcmp(f->field, "rst") == 0     ? "reset (RST)"
                   : strcmp(f->field, "timeout") == 0 ? "silence"
                                                      : "connection error";
    if (strcmp(f->field, "timeout") == 0)
        add(b, "nothing more until the deadline");
    row->bad = true;
}

static void not_tls_note(struct note_buf *b, struct tw_view v)
{
    add(b, "\"");
    for (size_t i = 0; i < v.len && i < 60 && v.data[i] != '\r' && v.data[i] != '\n'; i++)
        add(b, "%c", v.data[i] >= 0x20 && v.data[i] < 0x7f ? v.data[i] : '.');
    add(b, "\"");
}

/* true: the fact is a row */
static bool fill(const struct tw_diagnosis *d, const struct tw_fact *f, struct ladder_row *row,
                 bool ok)
{
    struct note_buf b = {row->note, 0, sizeof row->note};
    const struct tw_code *alert;
    switch (f->kind) {
    case TW_FACT_TCP:
        if (strcmp(f->field, "connect") != 0)
            return false;
        row->from = TW_CLIENT;
        row->message = f->num == 0 ? "TCP connected" : "TCP failed";
        add(&b, "%s%s%s", f->text == NULL ? "" : f->text, f->num == 0 ? "" : ": ",
            f->num == 0 ? "" : f->aux ? "no answer" : strerror((int)f->num));
        row->bad = f->num != 0 && !ok;
        return true;
    case TW_FACT_MESSAGE:
        message_row(d, f, row, &b);
        return true;
    case TW_FACT_DIALOGUE:
        if (strcmp(f->field, "protocol") == 0 || strcmp(f->field, "result") == 0)
            return false;
        row->message = f->field;
        row->bytes = f->data.len;
        add(&b, "%s", f->text == NULL ? "" : f->text);
        return true;
    case TW_FACT_ALERT:
        alert = tw_alert_by_code((uint8_t)f->num);
        row->message = "Alert";
        add(&b, "%s, %s (%lld)", f->aux == 1 ? "warning" : "fatal",
            alert != NULL ? alert->name : "unassigned", (long long)f->num);
        row->bad = f->aux != 1 && !ok;
        return f->num != TW_ALERT_CLOSE_NOTIFY || !ok;
    case TW_FACT_NOT_TLS:
        row->message = "not TLS";
        not_tls_note(&b, f->data);
        row->bad = true;
        return true;
    case TW_FACT_APP_DATA:
        row->message = "application data";
        row->bytes = (uint64_t)f->num;
        return true;
    case TW_FACT_END:
        if (strcmp(f->field, "stopped") == 0 || ok)
            return false;
        end_row(f, row, &b);
        return true;
    default:
        return false;
    }
}

bool ladder_next(const struct tw_diagnosis *d, uint32_t conn, size_t *state,
                 struct ladder_row *row)
{
    bool ok = false;
    for (size_t i = 0; i < d->c.conns_n; i++)
        if (d->c.conns[i].conn == conn)
            ok = d->c.conns[i].ok;
    for (; *state < tw_trace_count(d->c.trace); ++*state) {
        const struct tw_fact *f = tw_trace_at(d->c.trace, *state);
        if (f->conn != conn)
            continue;
        *row = (struct ladder_row){.at = f->at, .from = f->from, .bytes = f->len,
                                   .protected_ = f->protected_};
        if (fill(d, f, row, ok)) {
            ++*state;
            return true;
        }
    }
    return false;
}
