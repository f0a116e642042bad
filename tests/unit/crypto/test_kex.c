/* Key exchange: both sides agree in every group, and shares that are none are refused. */
#include "../bytes.h"

#include "crypto/crypto.h"

static struct tw_crypto *c;

static int setup(void **state)
{
    (void)state;
    c = tw_crypto_new();
    return c == NULL;
}

static int teardown(void **state)
{
    (void)state;
    tw_crypto_free(c);
    return 0;
}

static void init(struct tw_buf *b)
{
    tw_buf_init(b, 1 << 16);
}

static void agree(const struct tw_group *g)
{
    struct tw_buf mine, theirs, a, b;
    init(&mine);
    init(&theirs);
    init(&a);
    init(&b);
    struct tw_kex *k = c->kex_new(c->ctx, g->id, &mine);
    if (k == NULL)
        fail_msg("%s: said to be usable, and is not", g->name);
    assert_true(c->kex_respond(c->ctx, g->id, tw_buf_view(&mine), &theirs, &b));
    assert_true(c->kex_derive(k, tw_buf_view(&theirs), &a));
    assert_true(a.len >= 20); /* 160 bits, the smallest curve that has a number */
    assert_bytes(tw_buf_view(&a), tw_buf_view(&b), g->name);
    c->kex_free(k);
    /* every shorter share, one byte more, and nothing at all are refused, on both sides */
    size_t lens[] = {0, 1, mine.len / 2, mine.len - 1, mine.len + 1};
    tw_wr_u8(&mine, 0);
    for (size_t i = 0; i < TW_ARRAY_LEN(lens); i++) {
        uint8_t *own = exact_copy(tw_view_of(mine.data, lens[i]));
        theirs.len = b.len = 0;
        /* a number is taken without its leading zeros, though RFC 8446 4.2.8.1 wants them */
        bool number = g->kind == TW_GROUP_FFDHE && lens[i] > 0;
        if (c->kex_respond(c->ctx, g->id, tw_view_of(own, lens[i]), &theirs, &b) && !number)
            fail_msg("%s: a share of %zu bytes is taken", g->name, lens[i]);
        struct tw_buf share;
        init(&share);
        k = c->kex_new(c->ctx, g->id, &share);
        assert_non_null(k);
        if (lens[i] < mine.len - 1 && c->kex_derive(k, tw_view_of(own, lens[i]), &b) && !number)
            fail_msg("%s: an answer of %zu bytes is taken", g->name, lens[i]);
        c->kex_free(k);
        tw_buf_cleanup(&share);
        free(own);
    }
    tw_buf_cleanup(&mine);
    tw_buf_cleanup(&theirs);
    tw_buf_cleanup(&a);
    tw_buf_cleanup(&b);
}

static void test_groups(void **state)
{
    (void)state;
    const struct tw_group *g;
    size_t n = 0;
    for (size_t i = 0; (g = tw_group_at(i)) != NULL; i++)
        if (c->has_group(c->ctx, g->id)) {
            agree(g);
            n++;
        }
    assert_true(n >= 10);
    struct tw_buf share;
    init(&share);
    assert_null(c->kex_new(c->ctx, 0x0a0a, &share));
    assert_int_equal(share.len, 0);
}

static bool respond_hex(uint16_t group, const char *hex)
{
    struct tw_buf in, share, secret;
    init(&in);
    init(&share);
    init(&secret);
    add_hex(&in, hex);
    bool ok = c->kex_respond(c->ctx, group, tw_buf_view(&in), &share, &secret);
    tw_buf_cleanup(&in);
    tw_buf_cleanup(&share);
    tw_buf_cleanup(&secret);
    return ok;
}

#define Z32 "0000000000000000000000000000000000000000000000000000000000000000"
#define F32 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void test_bad_shares(void **state)
{
    (void)state;
    /* RFC 7748 6.1: an all-zero result must be refused; 0 and 1 are points of small order */
    assert_false(respond_hex(TW_GRP_X25519, Z32));
    assert_false(respond_hex(TW_GRP_X25519,
                             "0100000000000000000000000000000000000000000000000000000000000000"));
    /* RFC 8446 4.2.8.2: the point must be on the curve */
    assert_false(respond_hex(TW_GRP_SECP256R1, "04" Z32 Z32));
    assert_false(respond_hex(TW_GRP_SECP256R1, "04" F32 F32));
    assert_false(respond_hex(TW_GRP_SECP256R1, "00"));
    /* RFC 7919 5.1: 1 < Y < p - 1 */
    struct tw_buf b;
    init(&b);
    for (unsigned y = 0; y < 2; y++) {
        struct tw_buf share, secret;
        init(&share);
        init(&secret);
        b.len = 0;
        memset(tw_buf_grow(&b, 256), 0, 256);
        b.data[255] = (uint8_t)y;
        assert_false(c->kex_respond(c->ctx, TW_GRP_FFDHE2048, tw_buf_view(&b), &share, &secret));
        tw_buf_cleanup(&share);
        tw_buf_cleanup(&secret);
    }
    tw_buf_cleanup(&b);
}

/* Explicit DH of TLS 1.2: a tiny group that can be reckoned by hand, and nonsense. */
static void test_explicit_dh(void **state)
{
    (void)state;
    static const struct {
        const char *p, *g;
    } bad[] = {{"", "02"}, {"00", "02"}, {"17", ""}, {"17", "00"}, {"01", "02"}, {"02", "01"}};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++) {
        struct tw_buf p, g, share, secret;
        init(&p);
        init(&g);
        init(&share);
        init(&secret);
        add_hex(&p, bad[i].p);
        add_hex(&g, bad[i].g);
        struct tw_kex *k = c->dh_new(c->ctx, tw_buf_view(&p), tw_buf_view(&g), &share);
        if (k != NULL) { /* taken or not: no crash, and no secret from a share of zero */
            assert_false(c->kex_derive(k, tw_view_of("\0", 1), &secret));
            c->kex_free(k);
        }
        tw_buf_cleanup(&p);
        tw_buf_cleanup(&g);
        tw_buf_cleanup(&share);
        tw_buf_cleanup(&secret);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_bad_shares),
        cmocka_unit_test(test_explicit_dh),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
