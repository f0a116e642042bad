/*
 * Record protection: every bulk cipher in every version that may use it goes out and comes back;
 * one flipped bit, a repeated record and a lost one are noticed; lengths have limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/keys.h"

enum { PLAIN_MAX = 16384 };

static struct tw_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    crypto = tw_crypto_new();
    return crypto == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    tw_crypto_free(crypto);
    return 0;
}

struct pair {
    struct tw_protect *write, *read, *unused[2];
    uint16_t wire;
};

static bool make(struct pair *p, struct tw_crypto *c, const struct tw_suite *s, uint16_t version,
                 bool etm)
{
    *p = (struct pair){.wire = version < TW_TLS13 ? version : TW_TLS12};
    if (version >= TW_TLS13) {
        struct tw_secret secret = {.n = tw_hash_len(s->prf)};
        memset(secret.v, 9, secret.n);
        p->write = tw_protect13_new(c, s, &secret, true);
        p->read = tw_protect13_new(c, s, &secret, false);
        return p->write != NULL && p->read != NULL;
    }
    struct tw_keys12 k;
    uint8_t random[32];
    memset(k.master, 3, sizeof k.master);
    memset(random, 4, sizeof random);
    struct tw_view r = tw_view_of(random, 32);
    return tw_protect12_new(c, s, version, &k, r, r, etm, true, &p->write, &p->unused[0]) &&
           tw_protect12_new(c, s, version, &k, r, r, etm, false, &p->unused[1], &p->read);
}

static void drop(struct pair *p)
{
    tw_protect_free(p->write);
    tw_protect_free(p->read);
    tw_protect_free(p->unused[0]);
    tw_protect_free(p->unused[1]);
}

/* Own allocation, so that a read beyond the record is seen. */
static enum tw_open open_bytes(struct tw_protect *p, struct tw_view bytes, uint8_t *type,
                               struct tw_buf *out)
{
    uint8_t *copy = malloc(bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    struct tw_record rec = {.type = copy[0],
                            .version = (uint16_t)(copy[1] << 8 | copy[2]),
                            .body = tw_view_of(copy + 5, bytes.len - 5)};
    assert_int_equal(rec.body.len, copy[3] << 8 | copy[4]);
    enum tw_open st = tw_protect_open(p, &rec, type, out);
    free(copy);
    return st;
}

static void send_one(struct pair *p, uint8_t type, const uint8_t *data, size_t n)
{
    struct tw_buf wire, out;
    uint8_t got;
    tw_buf_init(&wire, 20000);
    tw_buf_init(&out, 20000);
    tw_buf_str(&out, "kept"); /* content is appended */
    assert_true(tw_protect_seal(p->write, type, p->wire, tw_view_of(data, n), &wire));
    assert_int_equal(open_bytes(p->read, tw_buf_view(&wire), &got, &out), TW_OPEN_OK);
    assert_int_equal(got, type);
    assert_int_equal(out.len, 4 + n);
    assert_memory_equal(out.data, "kept", 4);
    if (n > 0)
        assert_memory_equal(out.data + 4, data, n);
    tw_buf_cleanup(&wire);
    tw_buf_cleanup(&out);
}

/* Each flipped bit of a record is noticed, and leaves nothing in the output. */
static void flip(const struct tw_suite *s, uint16_t version, bool etm)
{
    static const char text[] = "one flipped bit";
    struct tw_buf wire, out;
    struct pair p;
    assert_true(make(&p, crypto, s, version, etm));
    tw_buf_init(&wire, 1000);
    tw_buf_init(&out, 1000);
    assert_true(tw_protect_seal(p.write, 23, p.wire, tw_view_str(text), &wire));
    for (size_t i = 5; i < wire.len; i++) {
        struct pair q;
        uint8_t type;
        assert_true(make(&q, crypto, s, version, etm));
        wire.data[i] ^= (uint8_t)(1 << (i % 8));
        assert_int_equal(open_bytes(q.read, tw_buf_view(&wire), &type, &out), TW_OPEN_BAD_MAC);
        assert_int_equal(out.len, 0);
        wire.data[i] ^= (uint8_t)(1 << (i % 8));
        drop(&q);
    }
    drop(&p);
    tw_buf_cleanup(&wire);
    tw_buf_cleanup(&out);
}

static void round_trip(const struct tw_suite *s, uint16_t version, bool etm)
{
    static uint8_t data[PLAIN_MAX];
    static const size_t sizes[] = {0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000, PLAIN_MAX};
    struct pair p;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    if (!make(&p, crypto, s, version, etm))
        fail_msg("no keys for %s in version %04x", s->name, version);
    for (size_t i = 0; i < TW_ARRAY_LEN(sizes); i++)
        send_one(&p, i % 2 == 0 ? TW_CT_APP_DATA : TW_CT_HANDSHAKE, data, sizes[i]);
    drop(&p);
    if (s->mac != TW_MAC_NULL) /* TLS_NULL_WITH_NULL_NULL has nothing to notice it with */
        flip(s, version, etm);
}

/* The integrity-only suites of RFC 9150 and those with hashes of their own are not spoken. */
static bool spoken13(const struct tw_suite *s)
{
    return tw_hash_len(s->prf) > 0 && tw_bulk_info(s->bulk)->tag_len > 0;
}

static bool usable(const struct tw_suite *s)
{
    return (s->flags & (TW_SUITE_SCSV | TW_SUITE_EXPORT)) == 0 && s->mac != TW_MAC_OTHER &&
           tw_bulk_info(s->bulk) != NULL && (s->kx != TW_KX_TLS13 || spoken13(s)) &&
           crypto->has_bulk(crypto->ctx, s->bulk);
}

static bool is_cbc(const struct tw_suite *s)
{
    return s->mac != TW_MAC_AEAD && tw_bulk_info(s->bulk)->iv_len > 0;
}

/* One suite for each bulk cipher, MAC and hash is enough. */
static bool seen_before(const struct tw_suite *s)
{
    for (size_t i = 0;; i++) {
        const struct tw_suite *o = tw_suite_at(i);
        if (o == s)
            return false;
        if (usable(o) && o->bulk == s->bulk && o->mac == s->mac && o->prf == s->prf &&
            (o->kx == TW_KX_TLS13) == (s->kx == TW_KX_TLS13))
            return true;
    }
}

static void test_every_bulk(void **state)
{
    (void)state;
    size_t n = 0;
    const struct tw_suite *s;
    for (size_t i = 0; (s = tw_suite_at(i)) != NULL; i++) {
        if (!usable(s) || seen_before(s))
            continue;
        n++;
        if (s->kx == TW_KX_TLS13) {
            round_trip(s, TW_TLS13, false);
            continue;
        }
        for (uint16_t v = TW_TLS10; v <= TW_TLS12; v++) {
            if (v < s->min_version || v > s->max_version)
                continue;
            round_trip(s, v, false);
            if (is_cbc(s))
                round_trip(s, v, true);
        }
    }
    assert_true(n >= 20); /* what any libcrypto 3 has */
}

static void test_order_of_records(void **state)
{
    (void)state;
    static const uint16_t ids[] = {0x1301, 0xc02f, 0xcca8, 0xc09c, 0xc027, 0x002f, 0x003b};
    for (size_t i = 0; i < TW_ARRAY_LEN(ids); i++) {
        const struct tw_suite *s = tw_suite_by_id(ids[i]);
        struct pair p;
        struct tw_buf one, two, out;
        uint8_t type;
        tw_buf_init(&one, 1000);
        tw_buf_init(&two, 1000);
        tw_buf_init(&out, 1000);
        assert_true(make(&p, crypto, s, s->kx == TW_KX_TLS13 ? TW_TLS13 : TW_TLS12, false));
        assert_true(tw_protect_seal(p.write, 23, p.wire, tw_view_str("1"), &one));
        assert_true(tw_protect_seal(p.write, 23, p.wire, tw_view_str("2"), &two));
        /* too early; then in order, for nothing was counted; then a repetition */
        assert_int_equal(open_bytes(p.read, tw_buf_view(&two), &type, &out), TW_OPEN_BAD_MAC);
        assert_int_equal(open_bytes(p.read, tw_buf_view(&one), &type, &out), TW_OPEN_OK);
        assert_int_equal(open_bytes(p.read, tw_buf_view(&one), &type, &out), TW_OPEN_BAD_MAC);
        assert_int_equal(open_bytes(p.read, tw_buf_view(&two), &type, &out), TW_OPEN_OK);
        assert_int_equal(out.len, 2);
        assert_memory_equal(out.data, "12", 2);
        drop(&p);
        tw_buf_cleanup(&one);
        tw_buf_cleanup(&two);
        tw_buf_cleanup(&out);
    }
}

static enum tw_open open_zeros(uint16_t id, uint16_t version, uint8_t type, size_t n)
{
    static uint8_t zeros[TW_MAX_RECORD + 100];
    struct pair p;
    struct tw_buf out;
    uint8_t got;
    tw_buf_init(&out, 40000);
    assert_true(make(&p, crypto, tw_suite_by_id(id), version, false));
    struct tw_record rec = {.type = type, .version = p.wire, .body = tw_view_of(zeros, n)};
    enum tw_open st = tw_protect_open(p.read, &rec, &got, &out);
    assert_int_equal(out.len, 0);
    tw_buf_cleanup(&out);
    drop(&p);
    return st;
}

static void test_lengths(void **state)
{
    (void)state;
    /* RFC 8446 5.2: at most 2^14 + 256 */
    assert_int_equal(open_zeros(0x1301, TW_TLS13, 23, PLAIN_MAX + 257), TW_OPEN_TOO_LONG);
    assert_int_equal(open_zeros(0x1301, TW_TLS13, 23, PLAIN_MAX + 256), TW_OPEN_BAD_MAC);
    assert_int_equal(open_zeros(0x1301, TW_TLS13, 23, 16), TW_OPEN_MALFORMED);
    assert_int_equal(open_zeros(0x1301, TW_TLS13, 22, 100), TW_OPEN_MALFORMED);
    assert_int_equal(open_zeros(0xc02f, TW_TLS12, 23, 23), TW_OPEN_MALFORMED);
    assert_int_equal(open_zeros(0xc02f, TW_TLS12, 23, 8 + PLAIN_MAX + 17), TW_OPEN_TOO_LONG);
    assert_int_equal(open_zeros(0xc013, TW_TLS12, 23, 16), TW_OPEN_MALFORMED);
    assert_int_equal(open_zeros(0xc013, TW_TLS12, 23, 49), TW_OPEN_BAD_MAC);
    assert_int_equal(open_zeros(0xc013, TW_TLS12, 23, TW_MAX_RECORD + 1), TW_OPEN_TOO_LONG);
    assert_int_equal(open_zeros(0x003b, TW_TLS12, 23, 31), TW_OPEN_MALFORMED);
}

/* RFC 8446 5.4: padding is taken off; a record of nothing but padding has no type. */
static void test_tls13_padding(void **state)
{
    (void)state;
    const struct tw_suite *s = tw_suite_by_id(0x1301);
    static const struct {
        const char *inner;
        size_t n;
        enum tw_open want;
    } cases[] = {{"hi\x16\0\0\0", 6, TW_OPEN_OK}, {"\0\0\0", 3, TW_OPEN_MALFORMED}};
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct tw_secret secret = {.n = 32};
        uint8_t key[16], iv[12], body[64], type, head[5] = {23, 3, 3, 0, 0};
        struct tw_view none = {NULL, 0}, from = tw_view_of(secret.v, 32);
        struct tw_buf out;
        tw_buf_init(&out, 100);
        assert_true(tw_hkdf_expand_label(crypto, s->prf, from, "key", none, key, 16));
        assert_true(tw_hkdf_expand_label(crypto, s->prf, from, "iv", none, iv, 12));
        struct tw_bulk_key *k = crypto->bulk_new(crypto->ctx, s->bulk, tw_view_of(key, 16), true);
        assert_non_null(k);
        head[4] = (uint8_t)(cases[i].n + 16);
        assert_true(crypto->seal(k, iv, tw_view_of(head, 5),
                                 tw_view_of(cases[i].inner, cases[i].n), body));
        crypto->bulk_free(k);
        struct tw_protect *p = tw_protect13_new(crypto, s, &secret, false);
        struct tw_record rec = {23, 0x0303, tw_view_of(body, cases[i].n + 16), 0};
        assert_int_equal(tw_protect_open(p, &rec, &type, &out), cases[i].want);
        if (cases[i].want == TW_OPEN_OK) {
            assert_int_equal(type, TW_CT_HANDSHAKE);
            assert_int_equal(out.len, 2);
        }
        tw_protect_free(p);
        tw_buf_cleanup(&out);
    }
}

static void test_seal_limits(void **state)
{
    (void)state;
    static uint8_t big[PLAIN_MAX + 1];
    struct pair p;
    struct tw_buf out;
    tw_buf_init(&out, 100);
    tw_buf_str(&out, "before");
    assert_true(make(&p, crypto, tw_suite_by_id(0x1301), TW_TLS13, false));
    assert_false(tw_protect_seal(p.write, 23, p.wire, tw_view_of(big, sizeof big), &out));
    assert_int_equal(out.len, 6);
    assert_false(tw_protect_seal(p.write, 23, p.wire, tw_view_of(big, 200), &out));
    assert_int_equal(out.len, 6);
    drop(&p);
    tw_buf_cleanup(&out);
}

/* Export suites derive keys in a way that is not spoken here. */
static void test_export_refused(void **state)
{
    (void)state;
    struct pair p;
    assert_false(make(&p, crypto, tw_suite_by_id(0x0003), TW_TLS10, false));
    drop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bulk),      cmocka_unit_test(test_order_of_records),
        cmocka_unit_test(test_lengths),         cmocka_unit_test(test_tls13_padding),
        cmocka_unit_test(test_seal_limits),     cmocka_unit_test(test_export_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
