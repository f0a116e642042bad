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

/* FNV-1a over the bytes with ASCII case folded, so that names that differ in case meet. */
static uint64_t name_hash(struct tw_view name)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
        h = (h ^ c) * 1099511628211u;
    }
    return h;
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
static bool is_there(const struct tw_trust *t, uint64_t h, struct tw_view der)
{
    size_t at = t->buckets[h % TW_ARRAY_LEN(t->buckets)];
    for (size_t i = 0; at != SIZE_MAX && i < MAX_ALIKE; at = t->anchors[at].next, i++)
        if (tw_view_eq(tw_view_of(t->der.data + t->anchors[at].off, t->anchors[at].len), der))
            return true;
    return false;
}

/* The certificate whose DER was appended last; one that is there already is taken off again. */
static bool add_last(struct tw_trust *t, size_t start)
{
    struct tw_view der = tw_view_of(t->der.data + start, t->der.len - start), subject;
    if (t->n == MAX_ANCHORS || !subject_of(der, &subject))
        return false;
    uint64_t h = name_hash(subject);
    if (is_there(t, h, der)) {
        t->der.len = start;
        return true;
    }
    if (t->n == t->cap) {
        size_t cap = t->cap == 0 ? 256 : t->cap * 2;
        struct anchor *a = realloc(t->anchors, cap * sizeof *a);
        if (a == NULL)
            return false;
        t->anchors = a;
        t->cap = cap;
    }
    size_t *bucket = &t->buckets[h % TW_ARRAY_LEN(t->buckets)];
    t->anchors[t->n] = (struct anchor){start, der.len, (size_t)(subject.data - t->der.data),
                                       subject.len, h, *bucket};
    *bucket = t->n++;
    return true;
}

size_t tw_trust_add(struct tw_trust *t, struct tw_view in, size_t *damaged)
{
    size_t pos = 0, added = 0, start = t->der.len;
    while (tw_pem_next_cert(in, &pos, &t->der, damaged)) {
        if (add_last(t, start)) {
            added++;
        } else {
            t->der.len = start;
            ++*damaged;
        }
        start = t->der.len;
    }
    if (added == 0 && in.len > 2 && in.data[0] == 0x30 && tw_buf_add(&t->der, in.data, in.len)) {
        if (add_last(t, start))
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
    bool ok = der.len > 2 && tw_buf_add(&t->der, der.data, der.len) && add_last(t, start);
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

size_t tw_trust_count(const struct tw_trust *t)
{
    return t->n;
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

bool tw_trust_find(struct tw_trust *t, struct tw_view subject, size_t i, struct tw_view *der)
{
    uint64_t h = name_hash(subject);
    size_t at = t->buckets[h % TW_ARRAY_LEN(t->buckets)];
    for (; at != SIZE_MAX; at = t->anchors[at].next) {
        const struct anchor *a = &t->anchors[at];
        struct tw_view s = tw_view_of(t->der.data + a->subject_off, a->subject_len);
        if (a->hash == h && tw_dn_equal(s, subject) && i-- == 0)
            return tw_trust_at(t, at, der);
    }
    return false;
}
