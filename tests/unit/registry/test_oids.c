/* Object identifiers: DER to dotted text and names, and what is no valid encoding. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

/* No NUL in the way: a string literal as DER bytes. */
#define DER(s) tw_view_of(s, sizeof(s) - 1)

static void names(void **state)
{
    (void)state;
    assert_string_equal(tw_oid_by_der(DER("\x55\x1d\x11"))->name, "subjectAltName");
    assert_string_equal(tw_oid_by_der(DER("\x55\x04\x03"))->name, "commonName");
    assert_string_equal(tw_oid_by_der(DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"))->name,
                        "sha256WithRSAEncryption");
    assert_string_equal(tw_oid_by_der(DER("\x2a\x86\x48\xce\x3d\x03\x01\x07"))->name, "secp256r1");
    assert_string_equal(tw_oid_by_der(DER("\x2b\x06\x01\x05\x05\x07\x03\x01"))->name, "serverAuth");
    assert_string_equal(tw_oid_by_der(DER("\x2b\x65\x70"))->name, "id-Ed25519");
    assert_string_equal(tw_oid_by_der(DER("\x2b\x06\x01\x05\x05\x07\x01\x18"))->name, "tlsFeature");
    assert_string_equal(tw_oid_by_der(DER("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"))->name,
                        "signedCertificateTimestampList");
    assert_string_equal(tw_oid_by_der(DER("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"))->name,
                        "domainComponent");
    assert_null(tw_oid_by_der(DER("\x55\x1d\x7f")));
    assert_null(tw_oid_by_der(DER("")));
}

static void dotted_is(struct tw_view der, const char *text)
{
    char buf[96];
    assert_string_equal(tw_oid_dotted(der, buf, sizeof buf), text);
}

static void dotted_text(void **state)
{
    (void)state;
    dotted_is(DER("\x55\x1d\x11"), "2.5.29.17");
    dotted_is(DER("\x2a\x86\x48\x86\xf7\x0d"), "1.2.840.113549");
    dotted_is(DER("\x00"), "0.0");
    dotted_is(DER("\x27"), "0.39");
    dotted_is(DER("\x28"), "1.0");
    dotted_is(DER("\x4f"), "1.39");
    dotted_is(DER("\x50"), "2.0");
    dotted_is(DER("\x88\x37\x03"), "2.999.3"); /* X.690 8.19.5 */
    dotted_is(DER("\x2a\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "1.2.18446744073709551615");
}

static void malformed(void **state)
{
    char buf[96];
    uint8_t many[64];

    (void)state;
    dotted_is(DER(""), "?");
    dotted_is(DER("\x55\x1d\x91"), "?");     /* cut short */
    dotted_is(DER("\x80\x55"), "?");         /* not minimal */
    dotted_is(DER("\x55\x1d\x80\x11"), "?"); /* not minimal, would be subjectAltName */
    assert_null(tw_oid_by_der(DER("\x55\x1d\x80\x11")));
    dotted_is(DER("\x2a\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00"), "?"); /* 2 to the 64 */
    memset(many, 0x7f, sizeof many);
    assert_string_equal(tw_oid_dotted(tw_view_of(many, sizeof many), buf, sizeof buf), "?");
    assert_null(tw_oid_by_der(tw_view_of(many, sizeof many)));
}

static void small_buffers(void **state)
{
    char buf[10];

    (void)state;
    assert_string_equal(tw_oid_dotted(DER("\x55\x1d\x11"), buf, 10), "2.5.29.17");
    for (size_t cap = 0; cap < 10; cap++)
        assert_string_equal(tw_oid_dotted(DER("\x55\x1d\x11"), buf, cap), "?");
}

/* One pass over the table itself: this file includes it to look at each row. */
#define TW_OID(dotted, name, source) {dotted, name, source},
static const struct tw_oid rows[] = {
#include "registry/oids.def"
};
#undef TW_OID

static size_t put_arc(uint8_t *out, uint64_t v)
{
    size_t n = 1, k;
    for (uint64_t t = v >> 7; t > 0; t >>= 7)
        n++;
    for (k = n; k-- > 0; v >>= 7)
        out[k] = (uint8_t)((v & 0x7f) | (k + 1 < n ? 0x80 : 0));
    return n;
}

static size_t encode(const char *text, uint8_t *out)
{
    size_t n = 0;
    char *end;
    uint64_t root = strtoull(text, &end, 10);

    assert_true(*end == '.');
    n += put_arc(out, root * 40 + strtoull(end + 1, &end, 10));
    while (*end == '.')
        n += put_arc(out + n, strtoull(end + 1, &end, 10));
    assert_true(*end == '\0');
    return n;
}

static void every_row_is_found_by_its_der(void **state)
{
    (void)state;
    assert_true(TW_ARRAY_LEN(rows) >= 250);
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        uint8_t der[128];
        const struct tw_oid *o = tw_oid_by_der(tw_view_of(der, encode(rows[i].dotted, der)));
        assert_non_null(o);
        assert_string_equal(o->dotted, rows[i].dotted);
        assert_string_equal(o->name, rows[i].name); /* so no identifier has two rows */
        assert_true(strlen(o->source) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(dotted_text),
        cmocka_unit_test(malformed),
        cmocka_unit_test(small_buffers),
        cmocka_unit_test(every_row_is_found_by_its_der),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
