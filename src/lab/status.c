/*
 * Certificates whose status is asked, and what the lab's CA says about them: staples, answers of
 * its HTTP server, and CT timestamps of two logs of its own.
 */
#include "lab/lab_internal.h"

#include "x509/crl.h"
#include "x509/ct.h"
#include "x509/status_make.h"

#include <strings.h>

enum { DAY = 86400, HOUR = 3600, LOGS = 2 };

static const char *const paths[LAB_BODIES] = {
    [LAB_HTTP_OCSP_GOOD] = "/ocsp/good", [LAB_HTTP_OCSP_REVOKED] = "/ocsp/revoked",
    [LAB_HTTP_CRL] = "/crl", [LAB_HTTP_CRL_EXPIRED] = "/crl/expired", [LAB_HTTP_CA] = "/ca"};

static const char *url_of(const struct lab_maker *m, enum lab_body body, char *buf, size_t cap)
{
    snprintf(buf, cap, "http://127.0.0.1:%u%s", m->http_port, paths[body]);
    return buf;
}

/* ---- certificates ------------------------------------------------------------------------------ */

static void with_ocsp(struct lab_maker *m, struct lab_certs *c, enum lab_cred which,
                      enum lab_body body)
{
    char url[128];
    struct tw_make_cert s = lab_leaf_spec(m);
    s.ocsp_url = url_of(m, body, url, sizeof url);
    c->cred[which] = lab_make_leaf(m, &s, TW_MAKE_P256, &m->intermediate, true);
}

static void with_crl(struct lab_maker *m, struct lab_certs *c, enum lab_cred which,
                     enum lab_body body)
{
    char url[128];
    struct tw_make_cert s = lab_leaf_spec(m);
    s.crl_url = url_of(m, body, url, sizeof url);
    c->cred[which] = lab_make_leaf(m, &s, TW_MAKE_P256, &m->intermediate, true);
}

static void others(struct lab_maker *m, struct lab_certs *c)
{
    char url[128];
    struct tw_make_cert s = lab_leaf_spec(m);
    s.must_staple = true;
    c->cred[LAB_MUST_STAPLE] = lab_make_leaf(m, &s, TW_MAKE_P256, &m->intermediate, true);
    s = lab_leaf_spec(m);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", m->dead_port);
    s.ocsp_url = url;
    s.crl_url = url;
    c->cred[LAB_UNREACHABLE] = lab_make_leaf(m, &s, TW_MAKE_P256, &m->intermediate, true);
    s = lab_leaf_spec(m);
    s.aia_issuer_url = url_of(m, LAB_HTTP_CA, url, sizeof url);
    c->cred[LAB_AIA] = lab_make_leaf(m, &s, TW_MAKE_P256, &m->intermediate, false);
}

/* ---- OCSP ------------------------------------------------------------------------------------------ */

struct answer {
    enum lab_cred about;
    enum lab_body body;
    int status;
    int64_t age;              /* of thisUpdate, seconds */
};

static bool answer(struct lab_maker *m, struct lab_certs *c, const struct answer *a)
{
    struct tw_cert cert, issuer;
    if (c->cred[a->about] == NULL || !tw_cert_parse(c->cred[a->about]->chain[0], &cert) ||
        !tw_cert_parse(tw_buf_view(&m->intermediate.der), &issuer))
        return false;
    struct tw_make_ocsp o = {.cert = &cert, .issuer = &issuer, .signer = &issuer,
                             .key = m->intermediate.key, .status = a->status,
                             .revoked_at = m->now - 2 * DAY, .reason = TW_REASON_KEY_COMPROMISE,
                             .produced_at = m->now - a->age, .this_update = m->now - a->age,
                             .next_update = m->now - a->age + 7 * DAY};
    return tw_make_ocsp(m->c, &o, &c->body[a->body]) == TW_OK;
}

static bool answers(struct lab_maker *m, struct lab_certs *c)
{
    static const struct answer all[] = {
        {LAB_MUST_STAPLE, LAB_STAPLE_GOOD, 0, HOUR},
        {LAB_MUST_STAPLE, LAB_STAPLE_EXPIRED, 0, 10 * DAY},
        {LAB_GOOD_EC, LAB_STAPLE_OTHER, 0, HOUR},
        {LAB_MUST_STAPLE, LAB_STAPLE_REVOKED, 1, HOUR},
        {LAB_OCSP_GOOD, LAB_HTTP_OCSP_GOOD, 0, HOUR},
        {LAB_OCSP_REVOKED, LAB_HTTP_OCSP_REVOKED, 1, HOUR}};
    bool ok = true;
    for (size_t i = 0; i < TW_ARRAY_LEN(all); i++)
        ok = answer(m, c, &all[i]) && ok;
    return ok;
}

/* ---- CRLs -------------------------------------------------------------------------------------------- */

static bool lists(struct lab_maker *m, struct lab_certs *c)
{
    struct tw_cert bad, issuer;
    if (c->cred[LAB_CRL_REVOKED] == NULL ||
        !tw_cert_parse(c->cred[LAB_CRL_REVOKED]->chain[0], &bad) ||
        !tw_cert_parse(tw_buf_view(&m->intermediate.der), &issuer))
        return false;
    struct tw_make_entry entry = {.serial = bad.serial, .date = m->now - 2 * DAY,
                                  .reason = TW_REASON_SUPERSEDED};
    struct tw_make_crl l = {.issuer = issuer.subject, .key = m->intermediate.key,
                            .this_update = m->now - DAY, .next_update = m->now + 6 * DAY,
                            .entries = &entry, .entries_n = 1};
    bool ok = tw_make_crl(m->c, &l, &c->body[LAB_HTTP_CRL]) == TW_OK;
    l.this_update = m->now - 10 * DAY;
    l.next_update = m->now - 3 * DAY;
    l.entries_n = 0;
    return ok && tw_make_crl(m->c, &l, &c->body[LAB_HTTP_CRL_EXPIRED]) == TW_OK;
}

/* ---- CT ------------------------------------------------------------------------------------------------ */

struct log {
    struct tw_privkey *key;
    struct tw_buf spki;
    uint8_t id[TW_HASH_MAX];
};

static void put_base64(struct tw_buf *out, struct tw_view v)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < v.len; i += 3) {
        size_t n = v.len - i < 3 ? v.len - i : 3;
        uint32_t x = (uint32_t)v.data[i] << 16;
        x |= n > 1 ? (uint32_t)v.data[i + 1] << 8 : 0;
        x |= n > 2 ? v.data[i + 2] : 0u;
        char four[4] = {digits[x >> 18], digits[x >> 12 & 63], n > 1 ? digits[x >> 6 & 63] : '=',
                        n > 2 ? digits[x & 63] : '='};
        tw_buf_add(out, four, sizeof four);
    }
}

static bool open_log(struct lab_maker *m, struct log *l)
{
    tw_buf_init(&l->spki, 1024);
    l->key = tw_make_privkey(m->c, TW_MAKE_P256);
    if (l->key == NULL || !m->c->privkey_spki(l->key, &l->spki))
        return false;
    struct tw_view spki = tw_buf_view(&l->spki);
    return m->c->digest(m->c->ctx, TW_HASH_SHA256, &spki, 1, l->id) == 32;
}

static void write_log_list(const struct log *logs, struct tw_buf *out)
{
    tw_buf_str(out, "{\"version\":\"1\",\"log_list_timestamp\":\"2025-01-01T00:00:00Z\","
                    "\"operators\":[");
    for (size_t i = 0; i < LOGS; i++) {
        tw_buf_printf(out, "%s{\"name\":\"Lab operator %zu\",\"logs\":[{\"description\":\"Lab log "
                           "%zu\",\"state\":{\"usable\":{\"timestamp\":\"2024-01-01T00:00:00Z\"}},"
                           "\"log_id\":\"", i > 0 ? "," : "", i + 1, i + 1);
        put_base64(out, tw_view_of(logs[i].id, 32));
        tw_buf_str(out, "\",\"key\":\"");
        put_base64(out, tw_buf_view(&logs[i].spki));
        tw_buf_str(out, "\"}]}");
    }
    tw_buf_str(out, "]}");
    tw_wr_u8(out, 0);
}

/* SignedCertificateTimestampList over a certificate that has none yet. */
static bool stamp(struct lab_maker *m, const struct log *logs, const struct tw_cert *cert,
                  const struct tw_cert *issuer, struct tw_buf *list)
{
    bool ok = true;
    size_t all = tw_wr_open(list, 2);
    for (size_t i = 0; i < LOGS; i++) {
        struct tw_buf sig;
        tw_buf_init(&sig, 1024);
        ok = tw_sct_sign(m->c, logs[i].key, cert, issuer, (uint64_t)(m->now - DAY) * 1000, &sig) &&
             ok;
        size_t one = tw_wr_open(list, 2);
        tw_wr_u8(list, 0);
        tw_wr_bytes(list, tw_view_of(logs[i].id, 32));
        tw_wr_uint(list, 8, (uint64_t)(m->now - DAY) * 1000);
        tw_wr_u16(list, 0);
        tw_wr_u16(list, 0x0403); /* SHA-256, ECDSA */
        tw_wr_vec(list, 2, tw_buf_view(&sig));
        tw_wr_close(list, one, 2);
        tw_buf_cleanup(&sig);
    }
    tw_wr_close(list, all, 2);
    return ok && !list->failed;
}

/*
 * The certificate is made twice with the same key and serial number: once to be stamped, once with
 * the timestamps. lab_make_leaf() takes a fresh key each time, so this one is put together here.
 */
static struct tw_credential *stamped_leaf(struct lab_maker *m, const struct log *logs)
{
    struct tw_buf first, last, list, pem;
    struct tw_cert cert, issuer;
    struct tw_credential *cred = NULL;
    const char *why;
    tw_buf_init(&first, 65536);
    tw_buf_init(&last, 65536);
    tw_buf_init(&list, 65536);
    tw_buf_init(&pem, 1 << 20);
    struct tw_make_cert s = lab_leaf_spec(m);
    s.serial = ++m->serial;
    struct tw_privkey *key = tw_make_privkey(m->c, TW_MAKE_P256);
    struct tw_view by = tw_buf_view(&m->intermediate.der);
    bool ok = key != NULL &&
              tw_make_certificate(m->c, &s, key, by, m->intermediate.key, &first) == TW_OK &&
              tw_cert_parse(tw_buf_view(&first), &cert) && tw_cert_parse(by, &issuer) &&
              stamp(m, logs, &cert, &issuer, &list);
    s.scts = tw_buf_view(&list);
    ok = ok && tw_make_certificate(m->c, &s, key, by, m->intermediate.key, &last) == TW_OK &&
         tw_pem_write_cert(tw_buf_view(&last), &pem) == TW_OK &&
         tw_pem_write_cert(by, &pem) == TW_OK && tw_pem_write_key(key, &pem) == TW_OK;
    if (ok && tw_credential_load(m->c, tw_buf_view(&pem), tw_view_of(NULL, 0), NULL, &cred, &why) !=
                  TW_OK)
        cred = NULL;
    if (key != NULL)
        m->c->privkey_free(key);
    tw_buf_cleanup(&first);
    tw_buf_cleanup(&last);
    tw_buf_cleanup(&list);
    tw_buf_cleanup(&pem);
    return cred;
}

static bool timestamps(struct lab_maker *m, struct lab_certs *c)
{
    struct log logs[LOGS] = {0};
    bool ok = true;
    for (size_t i = 0; i < LOGS; i++)
        ok = open_log(m, &logs[i]) && ok;
    if (ok) {
        write_log_list(logs, &c->log_list);
        c->cred[LAB_WITH_SCTS] = stamped_leaf(m, logs);
    }
    for (size_t i = 0; i < LOGS; i++) {
        if (logs[i].key != NULL)
            m->c->privkey_free(logs[i].key);
        tw_buf_cleanup(&logs[i].spki);
    }
    return ok && !c->log_list.failed;
}

/* ---- all of it, and the HTTP server ----------------------------------------------------------------------- */

bool lab_status_make(struct lab_maker *m, struct lab_certs *c)
{
    for (size_t i = 0; i < LAB_BODIES; i++)
        tw_buf_init(&c->body[i], 65536);
    tw_buf_init(&c->log_list, 65536);
    with_ocsp(m, c, LAB_OCSP_GOOD, LAB_HTTP_OCSP_GOOD);
    with_ocsp(m, c, LAB_OCSP_REVOKED, LAB_HTTP_OCSP_REVOKED);
    with_crl(m, c, LAB_CRL_GOOD, LAB_HTTP_CRL);
    with_crl(m, c, LAB_CRL_REVOKED, LAB_HTTP_CRL);
    with_crl(m, c, LAB_CRL_EXPIRED, LAB_HTTP_CRL_EXPIRED);
    others(m, c);
    tw_wr_bytes(&c->body[LAB_HTTP_CA], tw_buf_view(&m->intermediate.der));
    return answers(m, c) && lists(m, c) && timestamps(m, c);
}

/* "GET /crl HTTP/1.1" or "POST /ocsp/good HTTP/1.1": the path decides, and only the whole of it. */
static enum lab_body body_of(struct tw_view request)
{
    const uint8_t *path = memchr(request.data, ' ', request.len);
    if (path == NULL)
        return LAB_BODY_NONE;
    path++;
    size_t left = request.len - (size_t)(path - request.data);
    const uint8_t *end = memchr(path, ' ', left);
    size_t n = end == NULL ? 0 : (size_t)(end - path);
    for (size_t i = 1; i < LAB_BODIES; i++)
        if (paths[i] != NULL && strlen(paths[i]) == n && memcmp(paths[i], path, n) == 0)
            return (enum lab_body)i;
    return LAB_BODY_NONE;
}

bool lab_http_answer(const struct lab_certs *c, struct tw_view request, struct tw_buf *out)
{
    enum lab_body body = body_of(request);
    bool found = body != LAB_BODY_NONE;
    tw_buf_printf(out, "HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                  found ? "200 OK" : "404 Not Found", found ? c->body[body].len : 0);
    if (found)
        tw_wr_bytes(out, tw_buf_view(&c->body[body]));
    return found;
}
