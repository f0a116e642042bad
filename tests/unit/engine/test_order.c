/*
 * The order table against lists in the words of the RFCs: every sequence that the table allows is
 * enumerated and must be one of the list, and the other way round; everything else is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/order.h"
#include "wire/wire.h"

enum { MAX_SEQUENCES = 64, MAX_TEXT = 400 };

struct sequences {
    char text[MAX_SEQUENCES][MAX_TEXT];
    size_t n;
};

/* Short names; small letters are the client's. */
static const struct {
    uint8_t msg;
    const char *server, *client;
} names[] = {
    {TW_MSG_HELLO_REQUEST, "HREQ", "hreq"},
    {TW_MSG_CLIENT_HELLO, "CH", "ch"},
    {TW_MSG_SERVER_HELLO, "SH", "sh"},
    {TW_MSG_NEW_SESSION_TICKET, "NST", "nst"},
    {TW_MSG_HELLO_RETRY_REQUEST, "HRR", "hrr"},
    {TW_MSG_END_OF_EARLY_DATA, "EOED", "eoed"},
    {TW_MSG_ENCRYPTED_EXTENSIONS, "EE", "ee"},
    {TW_MSG_CERTIFICATE, "CERT", "cert"},
    {TW_MSG_SERVER_KEY_EXCHANGE, "SKE", "ske"},
    {TW_MSG_CERTIFICATE_REQUEST, "CR", "cr"},
    {TW_MSG_SERVER_HELLO_DONE, "SHD", "shd"},
    {TW_MSG_CERTIFICATE_VERIFY, "CV", "cv"},
    {TW_MSG_CLIENT_KEY_EXCHANGE, "CKE", "cke"},
    {TW_MSG_FINISHED, "FIN", "fin"},
    {TW_MSG_CERTIFICATE_STATUS, "STATUS", "status"},
    {TW_MSG_SUPPLEMENTAL_DATA, "SUPP", "supp"},
    {TW_MSG_KEY_UPDATE, "KU", "ku"},
    {TW_MSG_COMPRESSED_CERTIFICATE, "CCERT", "ccert"},
    {TW_MSG_NEXT_PROTOCOL, "NPN", "npn"},
};

static void walk(struct tw_order o, struct tw_order_facts f, const char *so_far,
                 struct sequences *out, int depth)
{
    assert_true(depth < 20);
    if (tw_order_done(&o)) {
        assert_true(out->n < MAX_SEQUENCES);
        tw_copy_str(out->text[out->n++], MAX_TEXT, so_far);
        return;
    }
    bool any = false;
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++) {
        for (int side = 0; side < 2; side++) {
            enum tw_side from = side == 0 ? TW_CLIENT : TW_SERVER;
            struct tw_order next = o;
            bool may = tw_order_may(&o, &f, from, names[i].msg);
            assert_int_equal(may, tw_order_step(&next, &f, from, names[i].msg));
            if (!may) { /* refused: the state stays */
                assert_int_equal(next.state, o.state);
                continue;
            }
            any = true;
            if (next.state == o.state)
                continue; /* tickets of TLS 1.3 that come early, any number of them */
            struct tw_order_facts g = f;
            if (names[i].msg == TW_MSG_CERTIFICATE_REQUEST)
                g.cert_requested = true;
            char text[MAX_TEXT];
            snprintf(text, sizeof text, "%s%s%s", so_far, so_far[0] == 0 ? "" : " ",
                     from == TW_CLIENT ? names[i].client : names[i].server);
            walk(next, g, text, out, depth + 1);
        }
    }
    assert_true(any); /* no dead end */
}

static bool has(const struct sequences *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->text[i], text) == 0)
            return true;
    return false;
}

/* Exactly prefix + one of want[], for each prefix. */
static void expect(const struct tw_order_facts *f, const char *const *prefixes, size_t prefixes_n,
                   const char *const *want, size_t want_n)
{
    static struct sequences got;
    struct tw_order o;
    got.n = 0;
    tw_order_init(&o);
    walk(o, *f, "", &got, 0);
    for (size_t p = 0; p < prefixes_n; p++) {
        for (size_t i = 0; i < want_n; i++) {
            char text[MAX_TEXT];
            snprintf(text, sizeof text, "%s %s", prefixes[p], want[i]);
            if (!has(&got, text))
                fail_msg("not allowed: %s", text);
        }
    }
    if (got.n != prefixes_n * want_n)
        for (size_t i = 0; i < got.n; i++)
            print_message("allowed: %s\n", got.text[i]);
    assert_int_equal(got.n, prefixes_n * want_n);
}
#define EXPECT(f, ...)                                                                             \
    do {                                                                                           \
        static const char *const want_[] = {__VA_ARGS__};                                          \
        expect((f), prefixes13, 2, want_, TW_ARRAY_LEN(want_));     \
    } while (0)
#define EXPECT12(f, ...)                                                                           \
    do {                                                                                           \
        static const char *const want_[] = {__VA_ARGS__};                                          \
        expect((f), prefixes12, 1, want_, TW_ARRAY_LEN(want_));                                    \
    } while (0)

static const char *const prefixes13[] = {"ch SH", "ch HRR ch SH"};
static const char *const prefixes12[] = {"ch SH"};

static void test_tls13(void **state)
{
    (void)state;
    struct tw_order_facts f = {.version = TW_TLS13};
    /* RFC 8446 figure 1, and RFC 8879 for compressed certificates */
    f.client_cert_nonempty = true;
    EXPECT(&f, "EE CERT CV FIN fin", "EE CCERT CV FIN fin", "EE CR CERT CV FIN cert cv fin",
           "EE CR CCERT CV FIN cert cv fin", "EE CR CERT CV FIN ccert cv fin",
           "EE CR CCERT CV FIN ccert cv fin");
    f.client_cert_nonempty = false;
    EXPECT(&f, "EE CERT CV FIN fin", "EE CCERT CV FIN fin", "EE CR CERT CV FIN cert fin",
           "EE CR CCERT CV FIN cert fin");
    f.psk = true; /* figure 3 */
    EXPECT(&f, "EE FIN fin");
}

static void test_tls12_rsa(void **state)
{
    (void)state;
    struct tw_order_facts f = {.version = TW_TLS12};
    tw_order_suite(&f, TW_KX_RSA, TW_AUTH_RSA);
    f.client_cert_nonempty = true;
    EXPECT12(&f, "CERT SHD cke fin FIN", "CERT CR SHD cert cke cv fin FIN");
    f.client_cert_nonempty = false;
    f.ticket_promised = true; /* RFC 5077 figure 1 */
    EXPECT12(&f, "CERT SHD cke fin NST FIN", "CERT CR SHD cert cke fin NST FIN");
    f.ticket_promised = false;
    f.status_promised = true; /* RFC 6066 8: the server may leave it out */
    EXPECT12(&f, "CERT SHD cke fin FIN", "CERT STATUS SHD cke fin FIN",
             "CERT CR SHD cert cke fin FIN", "CERT STATUS CR SHD cert cke fin FIN");
}

static void test_tls12_ephemeral(void **state)
{
    (void)state;
    struct tw_order_facts f = {.version = TW_TLS10};
    tw_order_suite(&f, TW_KX_ECDHE, TW_AUTH_ECDSA);
    f.client_cert_nonempty = true;
    EXPECT12(&f, "CERT SKE SHD cke fin FIN", "CERT SKE CR SHD cert cke cv fin FIN");
    f.status_promised = true;
    EXPECT12(&f, "CERT SKE SHD cke fin FIN", "CERT SKE CR SHD cert cke cv fin FIN",
             "CERT STATUS SKE SHD cke fin FIN", "CERT STATUS SKE CR SHD cert cke cv fin FIN");
}

static void test_tls12_without_certificate(void **state)
{
    (void)state;
    struct tw_order_facts f = {.version = TW_TLS12};
    tw_order_suite(&f, TW_KX_DHE, TW_AUTH_ANON); /* may not ask for a certificate */
    EXPECT12(&f, "SKE SHD cke fin FIN");
    f = (struct tw_order_facts){.version = TW_TLS12};
    tw_order_suite(&f, TW_KX_PSK, TW_AUTH_PSK); /* RFC 4279 2: SKE only with a hint */
    EXPECT12(&f, "SHD cke fin FIN", "SKE SHD cke fin FIN");
    f = (struct tw_order_facts){.version = TW_TLS12};
    tw_order_suite(&f, TW_KX_ECDHE_PSK, TW_AUTH_PSK);
    EXPECT12(&f, "SKE SHD cke fin FIN");
    f = (struct tw_order_facts){.version = TW_TLS12};
    tw_order_suite(&f, TW_KX_RSA_PSK, TW_AUTH_PSK);
    EXPECT12(&f, "CERT SHD cke fin FIN", "CERT SKE SHD cke fin FIN", "CERT CR SHD cert cke fin FIN",
             "CERT SKE CR SHD cert cke fin FIN");
}

static void test_tls12_resumed(void **state)
{
    (void)state;
    struct tw_order_facts f = {.version = TW_TLS12, .psk = true};
    tw_order_suite(&f, TW_KX_ECDHE, TW_AUTH_RSA);
    EXPECT12(&f, "FIN fin");
    f.ticket_promised = true; /* RFC 5077 figure 2 */
    EXPECT12(&f, "NST FIN fin");
}

static void test_after(void **state)
{
    (void)state;
    static const struct { enum tw_side from; uint8_t msg; } go[] = {
        {TW_CLIENT, TW_MSG_CLIENT_HELLO}, {TW_SERVER, TW_MSG_SERVER_HELLO},
        {TW_SERVER, TW_MSG_ENCRYPTED_EXTENSIONS}, {TW_SERVER, TW_MSG_CERTIFICATE},
        {TW_SERVER, TW_MSG_CERTIFICATE_VERIFY}, {TW_SERVER, TW_MSG_FINISHED},
        {TW_CLIENT, TW_MSG_FINISHED}};
    struct tw_order_facts f = {.version = TW_TLS13};
    struct tw_order o;
    tw_order_init(&o);
    for (size_t i = 0; i < TW_ARRAY_LEN(go); i++) {
        assert_false(tw_order_done(&o));
        assert_true(tw_order_step(&o, &f, go[i].from, go[i].msg));
    }
    assert_true(tw_order_done(&o));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_NEW_SESSION_TICKET));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_KEY_UPDATE));
    assert_true(tw_order_step(&o, &f, TW_CLIENT, TW_MSG_KEY_UPDATE));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_CERTIFICATE_REQUEST));
    assert_true(tw_order_step(&o, &f, TW_CLIENT, TW_MSG_CERTIFICATE));
    assert_false(tw_order_may(&o, &f, TW_CLIENT, TW_MSG_CERTIFICATE_VERIFY)); /* it was empty */
    assert_true(tw_order_step(&o, &f, TW_CLIENT, TW_MSG_FINISHED));
    assert_false(tw_order_may(&o, &f, TW_SERVER, TW_MSG_SERVER_HELLO));
    assert_false(tw_order_may(&o, &f, TW_CLIENT, TW_MSG_NEW_SESSION_TICKET));
    assert_false(tw_order_may(&o, &f, TW_SERVER, TW_MSG_HELLO_REQUEST));
}

static void test_allowed_text(void **state)
{
    (void)state;
    struct tw_order_facts f = {0};
    struct tw_order o;
    char buf[128], tiny[8];
    tw_order_init(&o);
    assert_string_equal(tw_order_allowed(&o, &f, buf, sizeof buf), "ClientHello");
    assert_true(tw_order_step(&o, &f, TW_CLIENT, TW_MSG_CLIENT_HELLO));
    assert_string_equal(tw_order_allowed(&o, &f, buf, sizeof buf),
                        "HelloRetryRequest, ServerHello");
    assert_string_equal(tw_order_allowed(&o, &f, tiny, sizeof tiny), "HelloRe");
    f.version = TW_TLS13;
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_SERVER_HELLO));
    assert_string_equal(tw_order_allowed(&o, &f, buf, sizeof buf), "EncryptedExtensions");
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_ENCRYPTED_EXTENSIONS));
    assert_string_equal(tw_order_allowed(&o, &f, buf, sizeof buf),
                        "CertificateRequest, Certificate, CompressedCertificate");
}

/* An observer does not know what was promised: then optional steps are all allowed. */
static void test_maybe(void **state)
{
    (void)state;
    struct tw_order_facts f = {.version = TW_TLS12, .maybe = true};
    struct tw_order o;
    tw_order_init(&o);
    assert_true(tw_order_step(&o, &f, TW_CLIENT, TW_MSG_CLIENT_HELLO));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_SERVER_HELLO));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_CERTIFICATE));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_CERTIFICATE_STATUS));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_SERVER_KEY_EXCHANGE));
    assert_false(tw_order_step(&o, &f, TW_SERVER, TW_MSG_CERTIFICATE));
    assert_true(tw_order_step(&o, &f, TW_SERVER, TW_MSG_SERVER_HELLO_DONE));
    assert_true(tw_order_step(&o, &f, TW_CLIENT, TW_MSG_CERTIFICATE));
}

static void test_rows(void **state)
{
    (void)state;
    struct tw_order_row row;
    size_t n = 0;
    for (; tw_order_row(n, &row); n++) {
        assert_non_null(row.from_state);
        assert_non_null(row.to_state);
        assert_non_null(row.condition);
        assert_memory_equal(row.source, "RFC ", 4);
        assert_true(row.from == TW_CLIENT || row.from == TW_SERVER);
        assert_true(row.msg == TW_MSG_HELLO_RETRY_REQUEST || tw_message_title(row.msg) != NULL);
    }
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls13),
        cmocka_unit_test(test_tls12_rsa),
        cmocka_unit_test(test_tls12_ephemeral),
        cmocka_unit_test(test_tls12_without_certificate),
        cmocka_unit_test(test_tls12_resumed),
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_allowed_text),
        cmocka_unit_test(test_maybe),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
