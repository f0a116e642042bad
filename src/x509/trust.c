/*
 * Trust anchors. All DER lies in one buffer; a hash table by subject finds candidates, and only
 * the few that are asked for are ever parsed in full.
 */
#include "x509/der.h"
#include "x509/x509.h"

enum { MAX_BYTES = 64 << 20, MAX_ANCHORS = 20000, MAX_ALIKE = 1000 };

struct anchor {
    size_t off, len;
    size_t subject_off, subject_len;
    uint64_t hash;
    size_t next;      /* chain in the bucket; SIZE_MAX ends it */
    bool restricted;  /* as in struct tw_anchor */
    uint8_t trusted, rejected;
    int64_t distrust_after;
};

struct tw_trust {
    char *label;
    struct tw_buf der;
    struct anchor *anchors; size_t n, cap;
    size_t buckets[512];
};

struct tw_trust *tw_trust_new(const char *label)
{
    struct tw_trust *t = calloc(1, sizeof *t);
    size_t n = strlen(label) + 1;
    char *copy = malloc(n);
    if (t == NULL || copy == NULL) {
        free(t);
        free(copy);
        return NULL;
    }
    memcpy(copy, label, n);
    t->label = copy;
    tw_buf_init(&t->der, MAX_BYTES);
    for (size_t i = 0; i < TW_ARRAY_LEN(t->buckets); i++)
        t->buckets[i] = SIZE_MAX;
    return t;
}

void tw_trust_free(struct tw_trust *t)
{
    if (t == NULL)
        return;
    free(t->label);
    free(t->anchors);
    tw_buf_cleanup(&t->der);
    free(t);
}

/* Subject of a certificate by the shortest walk to it. */
static bool subject_of(struct tw_view der, struct tw_view *subject)
{
    struct tw_reader whole = tw_rd_of(der), in;
    struct tw_reader cert = der_next(&whole, DER_SEQ, "Certificate");
    struct tw_reader tbs = der_next(&cert, DER_SEQ, "tbsCertificate");
    der_optional(&tbs, 0xa0, &in);
    der_next(&tbs, DER_INT, "serialNumber");
    der_next(&tbs, DER_SEQ, "signature");
    der_next(&tbs, DER_SEQ, "issuer");
    der_next(&tbs, DER_SEQ, "validity");
    der_whole(&tbs, DER_SEQ, subject, "subject");
    return tw_rd_ok(&tbs) && tw_rd_ok(&whole);
}

/* Bounded: thousands of one name are no store but an attempt to keep us busy. */
static struct anchor *find_same(struct tw_trust *t, uint64_t h, struct tw_view der)
{
    size_t at = t->buckets[h % TW_ARRAY_LEN(t->buckets)];
    for (size_t i = 0; at != SIZE_MAX && i < MAX_ALIKE; at = t->anchors[at].next, i++)
        if (tw_view_eq(tw_view_of(t->der.data + t->anchors[at].off, t->anchors[at].len), der))
            return &t->anchors[at];
    return NULL;
}

/* The certificate whose DER was appended last; one that is there already is taken off again. */
static struct anchor *add_last(struct tw_trust *t, size_t start)
{
    struct tw_view der = tw_view_of(t->der.data + start, t->der.len - start), subject;
    if (t->n == MAX_ANCHORS || !subject_of(der, &subject))
        return NULL;
    uint64_t h = tw_dn_hash(subject);
    struct anchor *same = find_same(t, h, der);
    if (same != NULL) {
        t->der.len = start;
        return same;
    }
    if (t->n == t->cap) {
        size_t cap = t->cap == 0 ? 256 : t->cap * 2;
        struct anchor *a = realloc(t->anchors, cap * sizeof *a);
        if (a == NULL)
            return NULL;
        t->anchors = a;
        t->cap = cap;
    }
    size_t *bucket = &t->buckets[h % TW_ARRAY_LEN(t->buckets)];
    struct anchor *a = &t->anchors[t->n];
    *a = (struct anchor){.off = start, .len = der.len,
                         .subject_off = (size_t)(subject.data - t->der.data),
                         .subject_len = subject.len, .hash = h, .next = *bucket};
    *bucket = t->n++;
    return a;
}

/* ---- OpenSSL's settings (X509_CERT_AUX) --------------------------------------------------------------- */

static uint8_t purpose_of(struct tw_view oid)
{
    static const uint8_t of[] = {0, TW_FOR_SERVER, TW_FOR_CLIENT, TW_FOR_CODE, TW_FOR_EMAIL};
    if (tw_view_eq(oid, tw_view_of("\x55\x1d\x25\x00", 4)))
        return TW_FOR_ANY;
    bool kp = oid.len == 8 && memcmp(oid.data, "\x2b\x06\x01\x05\x05\x07\x03", 7) == 0;
    return kp && oid.data[7] < TW_ARRAY_LEN(of) ? of[oid.data[7]] : 64 /* something else */;
}

static uint8_t purposes(struct tw_reader list)
{
    uint8_t bits = 0;
    while (tw_rd_more(&list))
        bits |= purpose_of(der_bytes(&list, DER_OID, "purpose"));
    return bits;
}

static void take_settings(struct anchor *a, struct tw_view aux)
{
    struct tw_reader seq = der_open(aux, DER_SEQ, "CertAux"), list;
    if (der_optional(&seq, DER_SEQ, &list))
        a->trusted = purposes(list);
    if (der_optional(&seq, 0xa0, &list))
        a->rejected = purposes(list);
    a->restricted = a->trusted != 0 || a->rejected != 0;
}

/* ---- adding ------------------------------------------------------------------------------------------- */

/* A PEM block's bytes from start on: cert_len of certificate, then settings. */
static bool add_block(struct tw_trust *t, size_t start, size_t cert_len)
{
    uint8_t aux[512];
    size_t aux_len = t->der.len - start - cert_len;
    if (aux_len > sizeof aux)
        aux_len = 0;
    if (aux_len > 0)
        memcpy(aux, t->der.data + start + cert_len, aux_len);
    t->der.len = start + cert_len;
    struct anchor *a = add_last(t, start);
    if (a != NULL && aux_len > 0)
        take_settings(a, tw_view_of(aux, aux_len));
    return a != NULL;
}

size_t tw_trust_add(struct tw_trust *t, struct tw_view in, size_t *damaged)
{
    size_t pos = 0, added = 0, start = t->der.len, cert_len;
    while (tw_pem_next_anchor(in, &pos, &t->der, &cert_len, damaged)) {
        if (add_block(t, start, cert_len)) {
            added++;
        } else {
            t->der.len = start;
            ++*damaged;
        }
        start = t->der.len;
    }
    if (added == 0 && in.len > 2 && in.data[0] == 0x30 && tw_buf_add(&t->der, in.data, in.len)) {
        if (add_last(t, start) != NULL)
            added++;
        else
            t->der.len = start;
    }
    t->der.failed = false; /* a store over its limit keeps what it has */
    return added;
}

bool tw_trust_add_der(struct tw_trust *t, struct tw_view der)
{
    size_t start = t->der.len;
    bool ok = der.len > 2 && tw_buf_add(&t->der, der.data, der.len) && add_last(t, start) != NULL;
    if (!ok)
        t->der.len = start;
    t->der.failed = false;
    return ok;
}

bool tw_trust_add_with(struct tw_trust *t, struct tw_view der, struct tw_view aux)
{
    size_t start = t->der.len;
    bool ok = der.len > 2 && tw_buf_add(&t->der, der.data, der.len) &&
              tw_buf_add(&t->der, aux.data, aux.len) && add_block(t, start, der.len);
    if (!ok)
        t->der.len = start;
    t->der.failed = false;
    return ok;
}

bool tw_trust_relabel(struct tw_trust *t, const char *label)
{
    char *copy = strdup(label);
    if (copy == NULL)
        return false;
    free(t->label);
    t->label = copy;
    return true;
}

static bool for_servers(const struct anchor *a)
{
    bool trusted = a->trusted == 0 || (a->trusted & (TW_FOR_SERVER | TW_FOR_ANY)) != 0;
    return trusted && (a->rejected & (TW_FOR_SERVER | TW_FOR_ANY)) == 0;
}

size_t tw_trust_count(const struct tw_trust *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += for_servers(&t->anchors[i]);
    return n;
}

const char *tw_trust_label(const struct tw_trust *t)
{
    return t->label;
}

bool tw_trust_at(struct tw_trust *t, size_t i, struct tw_view *der)
{
    if (i >= t->n)
        return false;
    *der = tw_view_of(t->der.data + t->anchors[i].off, t->anchors[i].len);
    return true;
}

/* i-th anchor with that subject, or NULL. */
static const struct anchor *nth(const struct tw_trust *t, struct tw_view subject, size_t i)
{
    uint64_t h = tw_dn_hash(subject);
    size_t at = t->buckets[h % TW_ARRAY_LEN(t->buckets)];
    for (; at != SIZE_MAX; at = t->anchors[at].next) {
        const struct anchor *a = &t->anchors[at];
        struct tw_view s = tw_view_of(t->der.data + a->subject_off, a->subject_len);
        if (a->hash == h && tw_dn_equal(s, subject) && i-- == 0)
            return a;
    }
    return NULL;
}

bool tw_trust_anchor(struct tw_trust *t, struct tw_view subject, size_t i, struct tw_anchor *out)
{
    const struct anchor *a = nth(t, subject, i);
    if (a == NULL)
        return false;
    *out = (struct tw_anchor){tw_view_of(t->der.data + a->off, a->len), a->restricted, a->trusted,
                              a->rejected, a->distrust_after};
    return true;
}

bool tw_trust_find(struct tw_trust *t, struct tw_view subject, size_t i, struct tw_view *der)
{
    const struct anchor *a = nth(t, subject, i);
    if (a != NULL)
        *der = tw_view_of(t->der.data + a->off, a->len);
    return a != NULL;
}
