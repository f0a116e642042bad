/* Certificates taken apart: fields, every shorter prefix, faults by their place, DER's own rules. */
#include "pkix.h"

static struct tw_view good(struct pkix *p)
{
    return make(p, (struct make){.subject = "leaf", .issuer = "CA", .key = 1,
                                 .usage = TW_KU_DIGITAL_SIGNATURE | TW_KU_KEY_AGREEMENT,
                                 .dns = "www.example.test"});
}

static bool faulty(const struct tw_cert *c, bool leaf, const char *id)
{
    struct tw_cert_fault list[32];
    size_t n = tw_cert_faults(c, TW_FAULT_ADVICE, leaf, list, TW_ARRAY_LEN(list));
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].id, id) == 0)
            return list[i].text != NULL && list[i].source != NULL;
    return false;
}

static void fields(void **state)
{
    struct pkix *p = *state;
    struct tw_cert c;
    struct tw_key_info key;
    char buf[200];
    struct tw_view v;
    enum tw_san_type type;
    assert_true(tw_cert_parse(good(p), &c));
    assert_int_equal(c.version, 3);
    assert_int_equal(c.not_before, NOW - 10 * DAY);
    assert_int_equal(c.not_after, NOW + 80 * DAY);
    assert_string_equal(tw_dn_text(c.subject, buf, sizeof buf), "CN=leaf");
    assert_string_equal(tw_dn_text(c.issuer, buf, sizeof buf), "CN=CA");
    assert_false(c.self_issued || c.is_ca || c.has_eku || c.must_staple || c.unknown_critical);
    assert_int_equal(c.key_usage, TW_KU_DIGITAL_SIGNATURE | TW_KU_KEY_AGREEMENT);
    assert_true(tw_cert_san_at(&c, 0, &type, &v) && type == TW_SAN_DNS);
    assert_true(tw_view_eq(v, tw_view_str("www.example.test")));
    assert_false(tw_cert_san_at(&c, 1, &type, &v));
    assert_int_equal(c.ski.len, 4);
    assert_int_equal(c.aki_keyid.data[3], 0);
    assert_true(tw_cert_ext_critical(&c, TW_CEXT_KEY_USAGE));
    assert_false(tw_cert_ext_critical(&c, TW_CEXT_SKI));
    tw_cert_key_info(&c, &key);
    assert_int_equal(key.type, TW_KEY_EC);
    assert_int_equal(tw_key_strength(&key), 128);
    assert_int_equal(tw_cert_sig_strength(&c), 128);
    assert_string_equal(tw_cert_sig_name(&c, buf, sizeof buf), "ecdsa-with-SHA256");
    assert_int_equal(c.ext_count, 5);
}

/* Each in memory of its own, so that a sanitizer sees a read past the end. */
static void every_prefix(void **state)
{
    struct pkix *p = *state;
    struct tw_view whole = good(p);
    for (size_t n = 0; n < whole.len; n++) {
        uint8_t *part = malloc(n == 0 ? 1 : n);
        struct tw_cert c;
        assert_non_null(part);
        memcpy(part, whole.data, n);
        assert_false(tw_cert_parse(tw_view_of(part, n), &c));
        assert_non_null(c.fail_field);
        assert_true(c.fail_at <= n);
        free(part);
    }
}

/* One changed byte must never do more than change what is read. */
static void every_byte_changed(void **state)
{
    struct pkix *p = *state;
    struct tw_view whole = good(p);
    uint8_t *copy = malloc(whole.len);
    assert_non_null(copy);
    for (size_t i = 0; i < whole.len; i++) {
        memcpy(copy, whole.data, whole.len);
        copy[i] ^= (uint8_t)(1u << i % 8);
        struct tw_cert c;
        struct tw_cert_fault list[32];
        bool ok = tw_cert_parse(tw_view_of(copy, whole.len), &c);
        assert_true(ok == (c.fail_field == NULL));
        assert_true(tw_cert_faults(&c, TW_FAULT_ADVICE, true, list, 32) <= 32);
    }
    free(copy);
}

static void where_it_breaks(void **state)
{
    struct pkix *p = *state;
    struct tw_view whole = good(p);
    struct tw_cert c;
    uint8_t *copy = malloc(whole.len);
    assert_non_null(copy);
    memcpy(copy, whole.data, whole.len);
    assert_true(tw_cert_parse(whole, &c));
    size_t issuer = (size_t)(c.issuer.data - whole.data);
    copy[issuer] = 0x31;
    assert_false(tw_cert_parse(tw_view_of(copy, whole.len), &c));
    assert_string_equal(c.fail_field, "issuer");
    assert_int_equal(c.fail_at, issuer);
    assert_false(c.framed);
    free(copy);
    struct make m = {.subject = "leaf", .issuer = "CA", .key = 1};
    m.more = ext(p, OID(ID_CE "\x11"), false, tw_view_str("not DER"));
    struct tw_view odd = make(p, m);
    assert_false(tw_cert_parse(odd, &c));
    assert_true(c.framed); /* only an extension cannot be read */
    assert_string_equal(c.fail_field, "subjectAltName");
    assert_int_equal(c.fail_ext, TW_CEXT_SAN);
    assert_memory_equal(odd.data + c.fail_at, "not DER", 7);
}

static void distinguished_encoding(void **state)
{
    struct pkix *p = *state;
    static const struct { const char *der; size_t n; bool good; } lengths[] = {
        {"\x30\x03\x02\x01\x05", 5, true},      {"\x30\x81\x03\x02\x01\x05", 6, false},
        {"\x30\x80\x02\x01\x05\x00\x00", 7, false}, {"\x30\x04\x02\x01\x05", 5, false},
        {"\x1f\x85\x01\x00", 4, false},         {"\x30\x85\x00\x00\x00\x00\x00", 7, false}};
    (void)p;
    for (size_t i = 0; i < TW_ARRAY_LEN(lengths); i++) {
        struct tw_reader r = tw_rd_of(tw_view_of(lengths[i].der, lengths[i].n));
        uint8_t tag;
        der_any(&r, &tag, NULL, "x");
        assert_int_equal(tw_rd_ok(&r), lengths[i].good);
        assert_true(tw_rd_ok(&r) || r.fail_at == 0);
    }
    static const struct { const char *v; bool good; } ints[] = {
        {"\x00", true}, {"\x7f", true}, {"\x80", true}};
    for (size_t i = 0; i < TW_ARRAY_LEN(ints); i++)
        assert_int_equal(der_int_minimal(tw_view_of(ints[i].v, 1)), ints[i].good);
    assert_false(der_int_minimal(OID("\x00\x7f")));
    assert_true(der_int_minimal(OID("\x00\x80")));
    assert_false(der_int_minimal(OID("\xff\x80")));
    assert_false(der_int_minimal(none()));
}

static int64_t time_of(uint8_t tag, const char *text, bool *ok)
{
    uint8_t buf[40];
    buf[0] = tag;
    buf[1] = (uint8_t)strlen(text);
    memcpy(buf + 2, text, strlen(text));
    struct tw_reader r = tw_rd_of(tw_view_of(buf, 2 + strlen(text)));
    int64_t t = der_time(&r, "t");
    *ok = tw_rd_ok(&r);
    return t;
}

static void times(void **state)
{
    bool ok;
    (void)state;
    assert_int_equal(time_of(DER_UTC, "700101000000Z", &ok), 0);
    assert_int_equal(time_of(DER_UTC, "491231235959Z", &ok), 2524607999);
    assert_int_equal(time_of(DER_UTC, "500101000000Z", &ok), -631152000);
    assert_int_equal(time_of(DER_GENTIME, "20500101000000Z", &ok), 2524608000);
    assert_true(ok);
    static const char *const bad[] = {"700132000000Z", "700229000000Z", "701301000000Z",
                                      "700101240000Z", "700101000000", "7001010000+00",
                                      "70010100000xZ", ""};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++) {
        time_of(DER_UTC, bad[i], &ok);
        assert_false(ok);
    }
    time_of(DER_UTC, "000229000000Z", &ok); /* 2000 was a leap year */
    assert_true(ok);
}

static void check_fault(struct pkix *p, struct make m, bool leaf, const char *id, bool expected)
{
    struct tw_cert c;
    tw_cert_parse(make(p, m), &c);
    if (faulty(&c, leaf, id) != expected)
        fail_msg("%s: expected %d", id, expected);
}

static void faults(void **state)
{
    struct pkix *p = *state;
    struct make leaf = {.subject = "www.example.test", .issuer = "CA", .key = 1,
                        .dns = "www.example.test"};
    struct make ca = {.subject = "CA", .issuer = "CA", .ca = true, .usage = TW_KU_CERT_SIGN};
    struct make m = leaf;
    static const char *const quiet[] = {"aki_missing", "ski_missing", "dns_syntax", "serial_zero",
                                        "extension_duplicate", "algorithm_mismatch", "cn_not_in_san",
                                        "san_missing", "validity_too_long", "webpki_key"};
    for (size_t i = 0; i < TW_ARRAY_LEN(quiet); i++) {
        check_fault(p, leaf, true, quiet[i], false);
        check_fault(p, ca, false, quiet[i], false);
    }
    m.no_ids = true;
    check_fault(p, m, true, "aki_missing", true);
    m = ca;
    m.no_ids = true;
    check_fault(p, m, false, "ski_missing", true);
    check_fault(p, m, false, "aki_missing", false); /* a root may */
    m = leaf;
    m.dns = "under_score.test";
    check_fault(p, m, true, "dns_syntax", true);
    check_fault(p, m, true, "cn_not_in_san", true);
    m = leaf;
    m.more = ext(p, OID(ID_CE "\x0e"), false, OID("\x04\x01\x01"));
    check_fault(p, m, true, "extension_duplicate", true);
    m = leaf;
    m.more = join(p, ext(p, OID("\x2a\x05"), false, OID("\x05\x00")),
                  ext(p, OID("\x2a\x05"), false, OID("\x05\x00")));
    check_fault(p, m, true, "extension_duplicate", true);
    m = leaf;
    m.usage = TW_KU_CERT_SIGN;
    check_fault(p, m, true, "cert_sign_without_ca", true);
    m = leaf;
    m.dns = NULL;
    check_fault(p, m, true, "san_missing", true);
    m = leaf;
    m.to = 300; /* 310 days in November 2025, 398 allowed */
    m.from = -10;
    check_fault(p, m, true, "validity_too_long", false);
    m.to = 389;
    check_fault(p, m, true, "validity_too_long", true);
    m.from = 200; /* issued after 2026-03-15: 200 days at most */
    m.to = 399;
    check_fault(p, m, true, "validity_too_long", false);
    m.to = 400;
    check_fault(p, m, true, "validity_too_long", true);
}

static void names(void **state)
{
    struct pkix *p = *state;
    struct tw_view a = dn(p, "Example  CA"), b = dn(p, " example ca "), c = dn(p, "Example CB");
    struct tw_view printable = wrap(p, DER_SEQ, wrap(p, DER_SET,
        wrap(p, DER_SEQ, OID("\x06\x03\x55\x04\x03"), wrap(p, 0x13, tw_view_str("EXAMPLE CA"), none())),
        none()), none());
    struct tw_view bmp = wrap(p, DER_SEQ, wrap(p, DER_SET,
        wrap(p, DER_SEQ, OID("\x06\x03\x55\x04\x03"),
             wrap(p, 0x1e, OID("\0e\0x\0a\0m\0p\0l\0e\0 \0c\0a"), none())), none()), none());
    assert_true(tw_dn_equal(a, b) && tw_dn_equal(a, printable) && tw_dn_equal(a, bmp));
    assert_false(tw_dn_equal(a, c));
    assert_true(tw_dn_hash(a) == tw_dn_hash(b) && tw_dn_hash(a) == tw_dn_hash(bmp));
    assert_true(tw_dn_hash(a) != tw_dn_hash(c));
    assert_true(tw_dn_within(dn(p, ""), a));
    assert_false(tw_dn_within(a, dn(p, "")));
    assert_false(tw_dn_equal(none(), none()));
    assert_true(tw_dn_empty(dn(p, "")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),          cmocka_unit_test(every_prefix),
        cmocka_unit_test(every_byte_changed), cmocka_unit_test(where_it_breaks),
        cmocka_unit_test(distinguished_encoding), cmocka_unit_test(times),
        cmocka_unit_test(faults),          cmocka_unit_test(names)};
    return cmocka_run_group_tests_name("cert", tests, pkix_open, pkix_close);
}
