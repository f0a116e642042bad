/* The tables of CAs, products and platforms: every row is whole, and found by what it stands for. */
#include "rules/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {
        {"Zscaler*", "Zscaler Root CA", true},     {"Zscaler*", "zscaler inc.", true},
        {"Zscaler*", "The Zscaler", false},        {"*squid*", "My Squid proxy", true},
        {"*.goskope.com", "ca.eu.goskope.com", true}, {"*.goskope.com", "goskope.com", false},
        {"Plesk", "Plesk", true},                  {"Plesk", "Plesk Panel", false},
        {"*", "", true},                           {"", "", true},
        {"", "x", false},                          {"a*b*c", "axxbyyc", true},
        {"a*b*c", "axxbyy", false},                {"*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++)
        assert_int_equal(tw_pattern_match(cases[i].pattern, cases[i].text), cases[i].match);
}

/* A Name with O and CN, or one of them. */
static struct tw_view name_of(struct tw_buf *b, const char *o, const char *cn)
{
    static const char oid_o[] = "\x06\x03\x55\x04\x0a", oid_cn[] = "\x06\x03\x55\x04\x03";
    const char *const values[] = {o, cn}, *const oids[] = {oid_o, oid_cn};
    struct tw_buf rdns, atv;
    tw_buf_init(b, 4096);
    tw_buf_init(&rdns, 4096);
    tw_buf_init(&atv, 4096);
    for (size_t i = 0; i < 2; i++) {
        if (values[i] == NULL)
            continue;
        atv.len = 0;
        tw_wr_bytes(&atv, tw_view_of(oids[i], 5));
        tw_wr_u8(&atv, 0x0c);
        tw_wr_vec(&atv, 1, tw_view_str(values[i]));
        tw_wr_u8(&rdns, 0x31);
        tw_wr_u8(&rdns, (unsigned)atv.len + 2);
        tw_wr_u8(&rdns, 0x30);
        tw_wr_vec(&rdns, 1, tw_buf_view(&atv));
    }
    tw_wr_u8(b, 0x30);
    if (rdns.len >= 128)
        tw_wr_u8(b, 0x81);
    tw_wr_vec(b, 1, tw_buf_view(&rdns));
    tw_buf_cleanup(&rdns);
    tw_buf_cleanup(&atv);
    return tw_buf_view(b);
}

static void test_distrusted(void **state)
{
    (void)state;
    struct tw_buf b;
    const struct tw_distrusted *d;
    int64_t day;
    for (size_t i = 0; (d = tw_distrusted_at(i)) != NULL; i++) {
        assert_true(d->o != NULL || d->cn != NULL);
        assert_true(d->name[0] != '\0' && d->clients[0] != '\0' && d->source[0] != '\0');
        assert_int_equal(strlen(d->since), 7);
        assert_true(d->after == NULL || tw_time_parse(d->after, &day));
    }
    d = tw_distrusted_by_name(
        name_of(&b, "Entrust, Inc.", "Entrust Root Certification Authority - G2"));
    assert_non_null(d);
    assert_string_equal(d->after, "2024-11-11");
    tw_buf_cleanup(&b);
    /* what Sectigo and DigiCert issue under the old brands today */
    assert_null(tw_distrusted_by_name(
        name_of(&b, "Entrust Limited", "Entrust OV TLS Issuing RSA CA 1")));
    tw_buf_cleanup(&b);
    assert_null(tw_distrusted_by_name(name_of(&b, "DigiCert Inc", "GeoTrust TLS RSA CA G1")));
    tw_buf_cleanup(&b);
}

static void test_interceptors(void **state)
{
    (void)state;
    static const struct {
        const char *o, *cn, *product; /* NULL: none */
    } cases[] = {
        {"Zscaler Inc.", "Zscaler Intermediate Root CA (zscalerthree.net)", "Zscaler"},
        {"AO Kaspersky Lab", "Kaspersky Anti-Virus Personal Root Certificate", "Kaspersky"},
        {NULL, "avast! Web/Mail Shield Root", "Avast"},
        {NULL, "ESET SSL Filter CA", "ESET"},
        {"Bitdefender", "Bitdefender Personal CA.Net-Defender", "Bitdefender"},
        {"Cisco", "Cisco Umbrella Secondary SubCA lon-SG", "Cisco Umbrella"},
        {"Fortinet", "FGT60E4Q16012345", "Fortinet FortiGate"},
        {"PortSwigger", "PortSwigger CA", "Burp Suite"},
        {"XK72 Ltd", "Charles Proxy CA (1 Jan 2024, host)", "Charles"},
        {"DO_NOT_TRUST", "DO_NOT_TRUST_FiddlerRoot", "Fiddler"},
        {"mitmproxy", "mitmproxy", "mitmproxy"},
        {"Superfish, Inc.", "Superfish, Inc.", "Superfish"},
        {"Cloudflare, Inc.", "Gateway CA - Cloudflare Managed G1 0123abcd", "Cloudflare Gateway"},
        /* public issuers with like names */
        {"Cloudflare, Inc.", "Cloudflare Inc ECC CA-3", NULL},
        {"DigiCert Inc", "DigiCert TLS RSA SHA256 2020 CA1", NULL},
        {"Let's Encrypt", "R11", NULL},
        {"Corporation", "Corporate Root 7", NULL},
    };
    const struct tw_interceptor *p;
    for (size_t i = 0; (p = tw_interceptor_at(i)) != NULL; i++) {
        assert_non_null(strchr("APDM", p->kind));
        assert_true(p->product[0] != '\0' && p->source[0] != '\0' && strlen(p->pattern) > 3);
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct tw_buf b;
        p = tw_interceptor_by_name(name_of(&b, cases[i].o, cases[i].cn));
        if (cases[i].product == NULL)
            assert_null(p);
        else
            assert_string_equal(p == NULL ? "none" : p->product, cases[i].product);
        tw_buf_cleanup(&b);
    }
}

static void test_placeholders(void **state)
{
    (void)state;
    static const struct {
        const char *o, *cn, *product;
    } cases[] = {
        {"Acme Co", "Kubernetes Ingress Controller Fake Certificate", "ingress-nginx (Kubernetes)"},
        {NULL, "TRAEFIK DEFAULT CERT", "Traefik"},
        {"Internet Widgits Pty Ltd", NULL, "OpenSSL's sample configuration"},
        {"SomeOrganization", "web1.example.org", "Apache mod_ssl of Red Hat"},
        {"Synology Inc.", "synology", "Synology"},
        {"Example", "www.example.org", NULL},
    };
    const struct tw_placeholder *p;
    for (size_t i = 0; (p = tw_placeholder_at(i)) != NULL; i++)
        assert_true(p->product[0] != '\0' && p->fix[0] != '\0' && p->source[0] != '\0');
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct tw_buf b;
        p = tw_placeholder_by_name(name_of(&b, cases[i].o, cases[i].cn));
        if (cases[i].product == NULL)
            assert_null(p);
        else
            assert_string_equal(p == NULL ? "none" : p->product, cases[i].product);
        tw_buf_cleanup(&b);
    }
}

static void test_platforms(void **state)
{
    (void)state;
    const struct tw_platform *p;
    for (size_t i = 0; (p = tw_platform_at(i)) != NULL; i++)
        assert_true(p->name[0] != '\0' && strchr(p->san, '.') != NULL && p->fix[0] != '\0' &&
                    p->source[0] != '\0');
    assert_string_equal(tw_platform_by_san("*.CloudFront.net")->name, "Amazon CloudFront");
    assert_null(tw_platform_by_san("d111111abcdef8.cloudfront.net"));
    assert_null(tw_platform_by_san("*.example.org"));
}

static void test_public_roots(void **state)
{
    (void)state;
    const struct tw_public_root *r;
    struct tw_buf b;
    uint8_t ski[64];
    size_t n, rows = 0;
    int64_t day;
    for (size_t i = 0; (r = tw_public_root_at(i)) != NULL; i++, rows++) {
        assert_true(tw_time_parse(r->made, &day));
        assert_true(r->ski[0] == '\0' || tw_unhex(r->ski, ski, sizeof ski, &n));
    }
    assert_true(rows > 100);
    assert_true(tw_unhex("7c4296aede4b483bfa92f89e8ccf6d8ba9723795", ski, sizeof ski, &n));
    struct tw_view name = name_of(&b, "Internet Security Research Group", "ISRG Root X2");
    r = tw_public_root_find(name, tw_view_of(ski, n));
    assert_non_null(r);
    assert_string_equal(r->made, "2020-09-04");
    ski[0] ^= 1; /* the name alone makes no public root */
    assert_null(tw_public_root_find(name, tw_view_of(ski, n)));
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_distrusted),
        cmocka_unit_test(test_interceptors),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_platforms),
        cmocka_unit_test(test_public_roots),
    };
    return cmocka_run_group_tests_name("rules/tables", tests, NULL, NULL);
}
