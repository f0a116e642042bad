/*
 * A certificate, its names and its words: DER from a peer. Promises: every view lies inside the
 * certificate, texts are ended within their buffers and have no control characters.
 */
#include "x509/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void inside(struct tw_view v, struct tw_view der)
{
    check(v.len == 0 || (v.data >= der.data && v.len <= der.len &&
                         (size_t)(v.data - der.data) <= der.len - v.len));
}

static void check_text(const char *s, size_t cap)
{
    size_t n = strnlen(s, cap);
    check(n < cap);
    for (size_t i = 0; i < n; i++)
        check((unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
}

static void names(const struct tw_cert *c)
{
    static const char *const asked[] = {"a.example.test", "example.test", "x.y.example.test",
                                        "192.0.2.1", "2001:db8::1", "", ".", "*.example.test"};
    enum tw_san_type type;
    struct tw_view v;
    char buf[300], nearest[64];
    for (size_t i = 0; i < 50 && tw_cert_san_at(c, i, &type, &v); i++) {
        inside(v, c->der);
        check_text(tw_san_text(type, v, buf, 1 + i * 7 % sizeof buf), sizeof buf);
        /* a name of the certificate's own, as far as it is text */
        size_t n = v.len < sizeof buf - 1 ? v.len : sizeof buf - 1;
        if (n > 0)
            memcpy(buf, v.data, n);
        buf[n] = '\0';
        tw_cert_name_match(c, buf, nearest, sizeof nearest);
        check_text(nearest, sizeof nearest);
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(asked); i++) {
        tw_cert_name_match(c, asked[i], nearest, 1 + i * 9 % sizeof nearest);
        check_text(nearest, sizeof nearest);
    }
}

static void words(const struct tw_cert *c)
{
    char buf[200];
    struct tw_key_info info;
    static const size_t caps[] = {1, 2, 16, 17, 40, sizeof buf};
    for (size_t i = 0; i < TW_ARRAY_LEN(caps); i++) {
        check_text(tw_dn_text(c->subject, buf, caps[i]), caps[i]);
        check_text(tw_dn_attr(c->issuer, "CN", buf, caps[i]), caps[i]);
        check_text(tw_cert_sig_name(c, buf, caps[i]), caps[i]);
        check_text(tw_time_text(c->not_after, buf, caps[i]), caps[i]);
    }
    check(c->subject.len == 0 || tw_dn_equal(c->subject, c->subject));
    check(tw_dn_equal(c->subject, c->issuer) == tw_dn_equal(c->issuer, c->subject));
    tw_cert_key_info(c, &info);
    inside(tw_cert_aia(c, true), c->der);
    inside(tw_cert_aia(c, false), c->der);
    tw_cert_has_eku(c, "1.3.6.1.5.5.7.3.1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_cert c;
    struct tw_view der = tw_view_of(data, size);
    bool good = tw_cert_parse(der, &c);
    check(good == (c.fail_field == NULL));
    check(c.fail_at <= size);
    inside(c.tbs, der);
    inside(c.spki, der);
    inside(c.san, der);
    inside(c.signature, der);
    inside(c.extensions, der);
    names(&c);
    words(&c);
    struct tw_trust *t = tw_trust_new("fuzz");
    size_t damaged = 0;
    if (t != NULL) {
        size_t n = tw_trust_add(t, der, &damaged);
        check(n == tw_trust_count(t));
        for (size_t i = 0; i < n && i < 4; i++)
            check(tw_trust_at(t, i, &der));
        tw_trust_find(t, c.issuer, 0, &der);
    }
    tw_trust_free(t);
    return 0;
}
