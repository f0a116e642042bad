/*
 * Certificates written byte by byte, so that tests can make every right and wrong one. Signed with
 * ECDSA P-256 and SHA-256; keys are made once per program and named by number.
 */
#ifndef PKIX_H
#define PKIX_H

#include "x509/der.h"
#include "x509/der_write.h"
#include "x509/x509.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { KEYS = 8, DAY = 86400, MOST = 64 };
static const int64_t NOW = 1764000000; /* 2025-11-24T16:00:00Z */

#define OID(s) tw_view_of(s, sizeof(s) - 1)
#define ID_CE "\x55\x1d"

struct pkix {
    struct tw_crypto *c;
    struct tw_privkey *keys[KEYS];
    struct tw_arena *arena;      /* everything made lives here */
    uint8_t serial;
};

/* One certificate to be made. All zero but names and keys is a leaf that is valid now. */
struct make {
    const char *subject, *issuer; /* CN; "" = an empty name */
    unsigned key, by;            /* numbers of keys: its own, and the one that signs */
    bool ca, no_basic, no_ids;
    int path_len;                /* 1 + pathLenConstraint; 0 none */
    unsigned usage;              /* keyUsage bits; 0 = the extension is left out */
    const char *dns;             /* one dNSName, or NULL */
    struct tw_view more;         /* further extensions, encoded */
    int64_t from, to;            /* days from NOW; both 0 = -10 to 80 */
    uint8_t version;             /* 0: 3 */
    bool break_signature;
};

static inline struct tw_view keep(struct pkix *p, struct tw_buf *b)
{
    assert_false(b->failed);
    struct tw_view v = tw_arena_copy(p->arena, tw_buf_view(b));
    tw_buf_cleanup(b);
    assert_non_null(v.data);
    return v;
}

static inline struct tw_view wrap(struct pkix *p, uint8_t tag, struct tw_view a, struct tw_view b)
{
    struct tw_buf out;
    tw_buf_init(&out, 1 << 22);
    der_put2(&out, tag, a, b);
    return keep(p, &out);
}

static inline struct tw_view join(struct pkix *p, struct tw_view a, struct tw_view b)
{
    struct tw_buf out;
    tw_buf_init(&out, 1 << 22);
    tw_wr_bytes(&out, a);
    tw_wr_bytes(&out, b);
    return keep(p, &out);
}

static inline struct tw_view none(void)
{
    return tw_view_of(NULL, 0);
}

static inline struct tw_view ext(struct pkix *p, struct tw_view oid, bool critical,
                                 struct tw_view value)
{
    struct tw_view id = wrap(p, DER_OID, oid, none());
    if (critical)
        id = join(p, id, OID("\x01\x01\xff"));
    return wrap(p, DER_SEQ, id, wrap(p, DER_OCTETS, value, none()));
}

static inline struct tw_view dn(struct pkix *p, const char *cn)
{
    if (cn[0] == '\0')
        return wrap(p, DER_SEQ, none(), none());
    struct tw_view attr = wrap(p, DER_SEQ, OID("\x06\x03\x55\x04\x03"),
                               wrap(p, 0x0c, tw_view_str(cn), none()));
    return wrap(p, DER_SEQ, wrap(p, DER_SET, attr, none()), none());
}

static inline struct tw_view when(struct pkix *p, int64_t t)
{
    char rfc[32], text[16];
    tw_time_text(t, rfc, sizeof rfc); /* 2025-11-24T16:00:00Z */
    snprintf(text, sizeof text, "%.2s%.2s%.2s%.2s%.2s%.2sZ", rfc + 2, rfc + 5, rfc + 8, rfc + 11,
             rfc + 14, rfc + 17);
    return wrap(p, DER_UTC, tw_view_str(text), none());
}

static inline struct tw_view spki(struct pkix *p, unsigned key)
{
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    assert_true(p->c->privkey_spki(p->keys[key], &b));
    return keep(p, &b);
}

/* A key identifier that is as good as any: the number of the key. */
static inline struct tw_view key_id(struct pkix *p, unsigned key)
{
    uint8_t id[4] = {0xaa, 0xbb, 0xcc, (uint8_t)key};
    return tw_arena_copy(p->arena, tw_view_of(id, sizeof id));
}

static inline struct tw_view extensions(struct pkix *p, const struct make *m)
{
    struct tw_view all = m->more;
    if (!m->no_basic) {
        uint8_t n = (uint8_t)(m->path_len - 1);
        struct tw_view v = m->ca ? OID("\x01\x01\xff") : none();
        if (m->path_len > 0)
            v = join(p, v, wrap(p, DER_INT, tw_view_of(&n, 1), none()));
        all = join(p, all, ext(p, OID(ID_CE "\x13"), true, wrap(p, DER_SEQ, v, none())));
    }
    if (m->usage != 0) {
        uint8_t bits[2] = {0, 0};
        for (unsigned i = 0; i < 8; i++)
            if (m->usage >> i & 1)
                bits[1] |= (uint8_t)(0x80 >> i);
        while (bits[0] < 7 && !(bits[1] >> bits[0] & 1))
            bits[0]++;
        all = join(p, all, ext(p, OID(ID_CE "\x0f"), true,
                               wrap(p, DER_BITS, tw_view_of(bits, 2), none())));
    }
    if (m->dns != NULL)
        all = join(p, all, ext(p, OID(ID_CE "\x11"), m->subject[0] == '\0',
                               wrap(p, DER_SEQ, wrap(p, 0x82, tw_view_str(m->dns), none()),
                                    none())));
    if (!m->no_ids) {
        all = join(p, all, ext(p, OID(ID_CE "\x0e"), false,
                               wrap(p, DER_OCTETS, key_id(p, m->key), none())));
        all = join(p, all, ext(p, OID(ID_CE "\x23"), false,
                               wrap(p, DER_SEQ, wrap(p, 0x80, key_id(p, m->by), none()), none())));
    }
    return wrap(p, 0xa3, wrap(p, DER_SEQ, all, none()), none());
}

static inline struct tw_view make(struct pkix *p, struct make m)
{
    static const char alg[] = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, (uint8_t)((m.version == 0 ? 3 : m.version) - 1)};
    uint8_t serial[] = {0x02, 0x02, 0x11, ++p->serial};
    int64_t from = m.from == 0 && m.to == 0 ? -10 : m.from, to = m.from == 0 && m.to == 0 ? 80 : m.to;
    struct tw_view t = m.version == 1 ? none() : tw_view_of(version, sizeof version);
    t = join(p, join(p, t, tw_view_of(serial, sizeof serial)), OID(alg));
    t = join(p, t, dn(p, m.issuer));
    t = join(p, t, wrap(p, DER_SEQ, when(p, NOW + from * DAY), when(p, NOW + to * DAY)));
    t = join(p, join(p, t, dn(p, m.subject)), spki(p, m.key));
    if (m.version != 1)
        t = join(p, t, extensions(p, &m));
    struct tw_view tbs = wrap(p, DER_SEQ, t, none());
    struct tw_buf sig;
    tw_buf_init(&sig, 512);
    tw_wr_u8(&sig, 0); /* no unused bits */
    assert_true(p->c->sign(p->keys[m.by], TW_SIG_ECDSA, TW_HASH_SHA256, &tbs, 1, &sig));
    if (m.break_signature)
        sig.data[sig.len - 1] ^= 1;
    struct tw_view bits = wrap(p, DER_BITS, keep(p, &sig), none());
    return wrap(p, DER_SEQ, join(p, tbs, OID(alg)), bits);
}

/* ---- asking ---------------------------------------------------------------------------------------- */

struct ask {
    struct tw_path_request req;
    struct tw_view certs[MOST], extra[MOST];
    struct tw_paths *out;
};

static inline void ask_open(struct pkix *p, struct ask *a, struct tw_view anchor)
{
    size_t damaged = 0;
    *a = (struct ask){.req = {.crypto = p->c, .wall_time = NOW}};
    a->req.trust = tw_trust_new("the test's store");
    assert_int_equal(tw_trust_add(a->req.trust, anchor, &damaged), 1);
    a->req.certs = a->certs;
    a->req.extra = a->extra;
}

static inline void send(struct ask *a, struct tw_view der)
{
    a->certs[a->req.certs_n++] = der;
}

static inline void find(struct pkix *p, struct ask *a)
{
    assert_int_equal(tw_path_find(&a->req, p->arena, &a->out), TW_OK);
    assert_true(a->out->n > 0);
}

static inline void ask_close(struct ask *a)
{
    tw_trust_free(a->req.trust);
}

static inline bool has(const struct ask *a, enum tw_path_problem problem)
{
    const struct tw_path *p = &a->out->kept[0];
    for (size_t i = 0; i < p->faults_n; i++)
        if (p->faults[i].problem == problem)
            return true;
    return false;
}

static inline bool noted(const struct ask *a, enum tw_chain_note_kind kind, int place)
{
    for (size_t i = 0; i < a->out->notes_n; i++)
        if (a->out->notes[i].kind == kind && (place < -1 || a->out->notes[i].place == place))
            return true;
    return false;
}

#define valid(a) assert_int_equal((a)->out->kept[0].faults_n, 0)
#define only(a, x)                                                                                 \
    do {                                                                                           \
        assert_int_equal((a)->out->kept[0].faults_n, 1);                                           \
        assert_int_equal((a)->out->kept[0].faults[0].problem, x);                                  \
    } while (0)

static inline int pkix_open(void **state)
{
    struct pkix *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->c = tw_crypto_new();
    p->arena = tw_arena_new(256 << 20);
    assert_true(p->c != NULL && p->arena != NULL);
    for (size_t i = 0; i < KEYS; i++) {
        p->keys[i] = tw_make_privkey(p->c, TW_MAKE_P256);
        assert_non_null(p->keys[i]);
    }
    *state = p;
    return 0;
}

static inline int pkix_close(void **state)
{
    struct pkix *p = *state;
    for (size_t i = 0; i < KEYS; i++)
        p->c->privkey_free(p->keys[i]);
    tw_arena_free(p->arena);
    tw_crypto_free(p->c);
    free(p);
    return 0;
}

#endif
