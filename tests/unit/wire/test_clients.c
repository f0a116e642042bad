/* Profiles of real clients and the way from bytes back to a recipe. */
#include "../bytes.h"

#include "wire/wire.h"

static const uint8_t filler[2048] = {1, 2, 3};

static void encode(const struct tw_hello *h, struct tw_buf *b)
{
    size_t binder_off;
    struct tw_hello_secrets s = {.random = tw_view_of(filler, 32),
                                 .session_id = tw_view_of(filler, h->random_session_id ? 32 : 0),
                                 .ech_grease = tw_view_of(filler, 186)};
    for (size_t i = 0; i < h->shares.n; i++) {
        s.shares[i].group = h->shares.v[i];
        s.shares[i].key = tw_view_of(filler, 32);
    }
    s.shares_n = h->shares.n;
    tw_buf_init(b, 1 << 16);
    assert_true(tw_hello_encode(h, &s, b, &binder_off));
}

static void same_list(const struct tw_u16list *a, const struct tw_u16list *b, const char *name)
{
    if (a->n != b->n || memcmp(a->v, b->v, a->n * sizeof *a->v) != 0)
        fail_msg("%s: another list came back", name);
}

static void test_profiles_are_whole(void **state)
{
    const struct tw_client_profile *p;
    size_t n = 0;
    for (; (p = tw_client_profile_at(n)) != NULL; n++) {
        assert_ptr_equal(tw_client_profile_by_name(p->name), p); /* no name twice */
        assert_true(p->versions.n > 0 && p->ciphers.n > 0 && p->title[0] && p->source[0]);
        assert_int_equal(strlen(p->date), 10);
        assert_true(p->record_version >> 8 == 3 && p->legacy_version >> 8 == 3);
        struct tw_u16list seen = {0};
        for (size_t i = 0; i < p->extensions.n; i++) {
            assert_false(tw_u16list_has(&seen, p->extensions.v[i]));
            assert_true(tw_u16list_add(&seen, p->extensions.v[i]));
        }
        for (size_t i = 0; i < TW_ARRAY_LEN(p->bodies) && p->bodies[i].body.data != NULL; i++)
            assert_true(tw_u16list_has(&seen, p->bodies[i].type));
        assert_true(p->extensions.n <= TW_HELLO_MAX_EXT && p->shares.n <= TW_HELLO_MAX_SHARES);
    }
    assert_true(n > 40);
    assert_null(tw_client_profile_by_name("java"));
    assert_null(tw_client_profile_by_name(""));
}

/* Encoded and read back, every profile offers what its row says. */
static void test_round_trip(void **state)
{
    const struct tw_client_profile *p;
    for (size_t i = 0; (p = tw_client_profile_at(i)) != NULL; i++) {
        struct tw_hello h, back;
        struct tw_buf b;
        tw_client_profile_hello(p, &h);
        tw_copy_str(h.server_name, sizeof h.server_name, "client.example.com");
        encode(&h, &b);
        assert_true(tw_hello_of_message(tw_buf_view(&b), h.record_version, &back));
        same_list(&h.ciphers, &back.ciphers, p->name);
        same_list(&h.groups, &back.groups, p->name);
        same_list(&h.shares, &back.shares, p->name);
        same_list(&h.sigalgs, &back.sigalgs, p->name);
        same_list(&h.sigalgs_cert, &back.sigalgs_cert, p->name);
        same_list(&h.cert_compression, &back.cert_compression, p->name);
        assert_int_equal(h.order_n, back.order_n);
        assert_memory_equal(h.order, back.order, h.order_n * sizeof *h.order);
        assert_int_equal(h.alpn_n, back.alpn_n);
        assert_int_equal(h.grease, back.grease);
        assert_int_equal(h.legacy_version, back.legacy_version);
        assert_int_equal(h.random_session_id, back.random_session_id);
        if (tw_hello_has_ext(&h, TW_EXT_SUPPORTED_VERSIONS))
            same_list(&h.versions, &back.versions, p->name);
        assert_string_equal(back.server_name,
                            tw_hello_has_ext(&h, TW_EXT_SERVER_NAME) ? "client.example.com" : "");
        tw_buf_cleanup(&b);
    }
}

/* Encoding what was read gives the same bytes, where nothing in them belongs to one session. */
static void test_recipe_makes_the_same_bytes(void **state)
{
    struct tw_hello h, back;
    struct tw_buf b, again;
    tw_client_profile_hello(tw_client_profile_by_name("openssl-1.0.2"), &h);
    encode(&h, &b);
    assert_true(tw_hello_of_message(tw_buf_view(&b), h.record_version, &back));
    encode(&back, &again);
    assert_int_equal(b.len, again.len);
    assert_memory_equal(b.data, again.data, b.len);
    tw_buf_cleanup(&b);
    tw_buf_cleanup(&again);
}

/* Every prefix, and every byte changed: no more is asked than that it ends, within its bounds. */
static void test_damaged_bytes(void **state)
{
    struct tw_hello h, back;
    struct tw_buf b;
    tw_client_profile_hello(tw_client_profile_by_name("chromium-156"), &h);
    tw_copy_str(h.server_name, sizeof h.server_name, "client.example.com");
    encode(&h, &b);
    size_t whole = 0;
    for (size_t n = 4; n < b.len; n++)
        whole += tw_hello_of_message(tw_view_of(b.data, n), TW_TLS10, &back);
    assert_int_equal(whole, 1); /* up to the extensions: a hello of old that has none */
    for (size_t i = 4; i < b.len; i++) {
        b.data[i] ^= 0xff;
        (void)tw_hello_of_message(tw_buf_view(&b), TW_TLS10, &back);
        assert_true(back.order_n <= TW_HELLO_MAX_EXT && back.shares.n <= TW_HELLO_MAX_SHARES &&
                    back.alpn_n <= TW_ARRAY_LEN(back.alpn) &&
                    back.raw_ext_n <= TW_ARRAY_LEN(back.raw_ext));
        b.data[i] ^= 0xff;
    }
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles_are_whole),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_recipe_makes_the_same_bytes),
        cmocka_unit_test(test_damaged_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
