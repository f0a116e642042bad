/* From a recipe to a ClientHello: what is listed is sent, in its order, and reads back the same. */
#include "../bytes.h"

#include "wire/wire.h"

static const uint8_t random32[32] = {1, 2, 3}, id32[32] = {4, 5, 6}, key32[32] = {7, 8, 9};

static void secrets_init(struct tw_hello_secrets *s, const struct tw_hello *h)
{
    *s = (struct tw_hello_secrets){.random = tw_view_of(random32, 32)};
    if (h->random_session_id)
        s->session_id = tw_view_of(id32, 32);
    for (size_t i = 0; i < h->shares.n && i < TW_HELLO_MAX_SHARES; i++) {
        s->shares[i].group = h->shares.v[i];
        s->shares[i].key = tw_view_of(key32, 32);
        s->shares_n++;
    }
}

/* Encodes, checks that it is one whole message, and reads it back into m (borrows from b). */
static void make(const struct tw_hello *h, const struct tw_hello_secrets *s, struct tw_buf *b,
                 struct tw_client_hello *m, size_t *binder)
{
    uint8_t type;
    struct tw_view body;
    size_t used;
    tw_buf_init(b, 1 << 18);
    assert_true(tw_hello_encode(h, s, b, binder));
    assert_true(tw_handshake_peek(tw_buf_view(b), &type, &body, &used));
    assert_int_equal(type, TW_MSG_CLIENT_HELLO);
    assert_int_equal(used, b->len);
    struct tw_reader r = tw_rd_of(body);
    assert_true(tw_client_hello_decode(&r, m));
    struct tw_buf again;
    tw_buf_init(&again, 1 << 18);
    tw_client_hello_encode(&again, m);
    assert_bytes(tw_buf_view(&again), body, "encoded again");
    tw_buf_cleanup(&again);
}

static bool ext(const struct tw_client_hello *m, uint16_t type, struct tw_view *body)
{
    return tw_ext_find(m->extensions, type, body);
}

static void expect_list(const struct tw_client_hello *m, uint16_t type, size_t len_bytes,
                        const struct tw_u16list *want)
{
    struct tw_view body;
    struct tw_u16s got;
    size_t n = 0;
    assert_true(ext(m, type, &body));
    assert_true(tw_ext_u16_list(body, len_bytes, &got));
    for (size_t i = 0; i < got.n; i++) {
        if (tw_is_grease(got.v[i]))
            continue;
        assert_true(n < want->n);
        assert_int_equal(got.v[i], want->v[n++]);
    }
    assert_int_equal(n, want->n);
}

static void check_recipe(struct tw_hello *h)
{
    struct tw_hello_secrets s;
    struct tw_client_hello m;
    struct tw_buf b;
    struct tw_view body, host, proto;
    size_t binder = 99;
    tw_copy_str(h->server_name, sizeof h->server_name, "www.example.test");
    secrets_init(&s, h);
    make(h, &s, &b, &m, &binder);
    assert_int_equal(binder, 0);
    assert_int_equal(m.version, h->legacy_version);
    assert_bytes(m.random, tw_view_of(random32, 32), "random");
    assert_true(ext(&m, TW_EXT_SERVER_NAME, &body) && tw_ext_sni(body, &host));
    assert_bytes(host, tw_view_str("www.example.test"), "name");
    expect_list(&m, TW_EXT_SUPPORTED_VERSIONS, 1, &h->versions);
    expect_list(&m, TW_EXT_SUPPORTED_GROUPS, 2, &h->groups);
    expect_list(&m, TW_EXT_SIGNATURE_ALGORITHMS, 2, &h->sigalgs);
    for (size_t i = 0; i < h->alpn_n; i++) {
        assert_true(ext(&m, TW_EXT_ALPN, &body) && tw_ext_alpn_at(body, i, &proto));
        assert_bytes(proto, tw_view_str(h->alpn[i]), "ALPN");
    }
    struct tw_key_share ks;
    size_t shares = 0;
    assert_true(ext(&m, TW_EXT_KEY_SHARE, &body));
    for (size_t i = 0; tw_ext_key_share_at(body, i, &ks); i++)
        if (!tw_is_grease(ks.group))
            assert_int_equal(ks.group, h->shares.v[shares++]);
    assert_int_equal(shares, h->shares.n);
    tw_buf_cleanup(&b);
}

static void test_recipes(void **state)
{
    (void)state;
    struct tw_hello h;
    tw_hello_default(&h);
    check_recipe(&h);
    tw_hello_wide(&h);
    check_recipe(&h);
}

/* The order of the recipe is that of the message, and nothing else is in it. */
static void test_order(void **state)
{
    (void)state;
    struct tw_hello h;
    struct tw_hello_secrets s;
    struct tw_client_hello m;
    struct tw_buf b;
    struct tw_ext e;
    size_t binder, n = 0;
    tw_hello_default(&h);
    h.grease = false;
    h.pad_to = 0;
    tw_copy_str(h.server_name, sizeof h.server_name, "a.example");
    static const uint16_t order[] = {TW_EXT_KEY_SHARE, TW_EXT_SUPPORTED_VERSIONS,
                                     TW_EXT_SUPPORTED_GROUPS, 0x1234, TW_EXT_SERVER_NAME};
    memcpy(h.order, order, sizeof order);
    h.order_n = TW_ARRAY_LEN(order);
    secrets_init(&s, &h);
    make(&h, &s, &b, &m, &binder);
    struct tw_reader r = tw_rd_of(m.extensions);
    while (tw_ext_next(&r, &e))
        assert_int_equal(e.type, order[n++]);
    assert_int_equal(n, TW_ARRAY_LEN(order));
    tw_buf_cleanup(&b);
}

static void test_grease(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 300; seed++) {
        struct tw_hello h;
        struct tw_hello_secrets s;
        struct tw_client_hello m;
        struct tw_buf b;
        struct tw_ext e, first = {0}, last = {0};
        size_t binder, n = 0;
        tw_hello_default(&h);
        h.grease = true;
        h.grease_seed = seed;
        secrets_init(&s, &h);
        make(&h, &s, &b, &m, &binder);
        struct tw_reader r = tw_rd_of(m.extensions);
        while (tw_ext_next(&r, &e))
            if (tw_is_grease(e.type)) {
                first = n == 0 ? e : first;
                last = e;
                n++;
            }
        assert_int_equal(n, 2);
        assert_int_not_equal(first.type, last.type); /* no extension twice */
        r = tw_rd_of(m.ciphers);
        assert_true(tw_is_grease(tw_rd_u16(&r, "first")));
        tw_buf_cleanup(&b);
    }
}

/* pad_to is the size of the whole message at least, and exactly unless four bytes do not fit. */
static void test_padding(void **state)
{
    (void)state;
    for (size_t pad = 500; pad < 2600; pad += 7) {
        struct tw_hello h;
        struct tw_hello_secrets s;
        struct tw_client_hello m;
        struct tw_buf b;
        size_t binder;
        tw_hello_default(&h);
        h.pad_to = 0;
        secrets_init(&s, &h);
        make(&h, &s, &b, &m, &binder);
        size_t bare = b.len;
        tw_buf_cleanup(&b);
        h.pad_to = pad;
        make(&h, &s, &b, &m, &binder);
        if (pad <= bare)
            assert_int_equal(b.len, bare);
        else
            assert_int_equal(b.len, pad < bare + 4 ? bare + 4 : pad);
        tw_buf_cleanup(&b);
    }
}

static void test_limit_versions(void **state)
{
    (void)state;
    static const uint16_t versions[] = {TW_TLS10, TW_TLS11, TW_TLS12, TW_TLS13};
    for (size_t lo = 0; lo < 4; lo++)
        for (size_t hi = lo; hi < 4; hi++) {
            struct tw_hello h;
            struct tw_hello_secrets s;
            struct tw_client_hello m;
            struct tw_buf b;
            struct tw_view body;
            size_t binder;
            tw_hello_wide(&h);
            tw_hello_limit_versions(&h, versions[lo], versions[hi]);
            for (size_t i = 0; i < h.versions.n; i++)
                assert_true(h.versions.v[i] >= versions[lo] && h.versions.v[i] <= versions[hi]);
            assert_int_equal(h.versions.n, hi - lo + 1);
            secrets_init(&s, &h);
            make(&h, &s, &b, &m, &binder);
            bool tls13 = versions[hi] == TW_TLS13;
            assert_int_equal(m.version, tls13 ? TW_TLS12 : versions[hi]);
            assert_int_equal(ext(&m, TW_EXT_KEY_SHARE, &body), tls13);
            assert_int_equal(ext(&m, TW_EXT_PSK_KEY_EXCHANGE_MODES, &body), tls13);
            assert_int_equal(ext(&m, TW_EXT_SIGNATURE_ALGORITHMS, &body),
                             versions[hi] >= TW_TLS12);
            for (size_t i = 0; i < h.ciphers.n; i++) {
                const struct tw_suite *c = tw_suite_by_id(h.ciphers.v[i]);
                if (c != NULL && c->kx == TW_KX_TLS13)
                    assert_true(tls13);
            }
            tw_buf_cleanup(&b);
        }
}

/* The binder is the last thing in the message, and its place is told (RFC 8446 4.2.11). */
static void test_psk(void **state)
{
    (void)state;
    struct tw_hello h;
    struct tw_hello_secrets s;
    struct tw_client_hello m;
    struct tw_buf b;
    struct tw_view body, identity, binder;
    uint32_t age;
    size_t off;
    tw_hello_default(&h);
    secrets_init(&s, &h);
    s.psk_identity = tw_view_str("ticket");
    s.psk_age = 0x01020304;
    s.psk_binder_len = 48;
    make(&h, &s, &b, &m, &off);
    assert_int_equal(off, b.len - 48);
    assert_true(ext(&m, TW_EXT_PRE_SHARED_KEY, &body));
    assert_ptr_equal(body.data + body.len, b.data + b.len);
    assert_true(tw_ext_psk_at(body, 0, &identity, &age, &binder));
    assert_bytes(identity, tw_view_str("ticket"), "identity");
    assert_int_equal(age, 0x01020304);
    assert_ptr_equal(binder.data, b.data + off);
    assert_false(tw_ext_psk_at(body, 1, &identity, &age, &binder));
    tw_buf_cleanup(&b);
}

static void test_given_parts(void **state)
{
    (void)state;
    struct tw_hello h;
    struct tw_hello_secrets s;
    struct tw_client_hello m;
    struct tw_buf b;
    struct tw_view body;
    size_t off;
    tw_hello_default(&h);
    h.raw_ext[0].type = TW_EXT_ALPN;
    h.raw_ext[0].body = tw_view_str("not a list");
    h.raw_ext_n = 1;
    secrets_init(&s, &h);
    s.cookie = tw_view_str("cookie");
    make(&h, &s, &b, &m, &off);
    assert_true(ext(&m, TW_EXT_ALPN, &body));
    assert_bytes(body, tw_view_str("not a list"), "given body");
    assert_true(ext(&m, TW_EXT_COOKIE, &body)); /* sent though not listed */
    assert_int_equal(body.len, 8);
    tw_buf_cleanup(&b);
    static const char whole[] = "\x01\x00\x00\x02hi";
    h.raw = tw_view_of(whole, 6);
    assert_true(tw_hello_encode(&h, &s, &b, &off));
    assert_bytes(tw_buf_view(&b), tw_view_of(whole, 6), "raw");
    tw_buf_cleanup(&b);
}

static void test_lists_are_bounded(void **state)
{
    (void)state;
    struct tw_u16list l = {.n = 0};
    for (size_t i = 0; i < TW_HELLO_MAX_LIST; i++)
        assert_true(tw_u16list_add(&l, (uint16_t)i));
    assert_false(tw_u16list_add(&l, 7));
    assert_int_equal(l.n, TW_HELLO_MAX_LIST);
    assert_true(tw_u16list_has(&l, 0));
    assert_false(tw_u16list_has(&l, TW_HELLO_MAX_LIST));
    struct tw_hello h;
    tw_hello_default(&h);
    assert_true(tw_hello_has_ext(&h, TW_EXT_ALPN));
    tw_hello_drop_ext(&h, TW_EXT_ALPN);
    assert_false(tw_hello_has_ext(&h, TW_EXT_ALPN));
}

/* What does not fit into its length field or into the buffer is told, not cut. */
static void test_too_long(void **state)
{
    (void)state;
    static const uint8_t much[70000];
    struct tw_hello h;
    struct tw_hello_secrets s;
    struct tw_buf b;
    size_t off;
    tw_hello_default(&h);
    secrets_init(&s, &h);
    tw_buf_init(&b, 100);
    assert_false(tw_hello_encode(&h, &s, &b, &off));
    tw_buf_cleanup(&b);
    h.raw_ext[0].type = TW_EXT_ALPN;
    h.raw_ext[0].body = tw_view_of(much, sizeof much);
    h.raw_ext_n = 1;
    tw_buf_init(&b, 1 << 20);
    assert_false(tw_hello_encode(&h, &s, &b, &off));
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipes),        cmocka_unit_test(test_order),
        cmocka_unit_test(test_grease),         cmocka_unit_test(test_padding),
        cmocka_unit_test(test_limit_versions), cmocka_unit_test(test_psk),
        cmocka_unit_test(test_given_parts),    cmocka_unit_test(test_lists_are_bounded),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
