/* A certificate of any bytes: every fact, list and text of it, its faults, and names against it. */
#include "x509/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void lists(const struct tw_cert *c)
{
    struct tw_view v, q;
    struct tw_cert_extension e;
    char text[300], type[64];
    unsigned tag;
    size_t pos = 0;
    for (size_t i = 0; i < 1000 && tw_general_name_next(c->san, &pos, &tag, &v); i++)
        require(strlen(tw_san_text((enum tw_san_type)tag, v, text, sizeof text)) < sizeof text);
    for (pos = 0; tw_cert_eku_next(c, &pos, &v);)
        require(tw_oid_dotted(v, text, sizeof text) != NULL);
    for (pos = 0; tw_cert_policy_next(c, &pos, &v, &q);)
        require(q.len <= c->policies.len);
    for (pos = 0; tw_cert_aia_next(c, &pos, false, &v);)
        require(v.len <= c->aia.len);
    for (pos = 0; tw_cert_crl_url_next(c, &pos, &v);)
        require(v.len <= c->crl_points.len);
    for (pos = 0; tw_cert_sct_next(c, &pos, &v);)
        require(v.len <= c->scts.len);
    for (size_t i = 0; i < 100 && tw_cert_ext_at(c, i, &e); i++)
        require(e.value.len <= c->der.len);
    struct tw_dn_iter it = tw_dn_begin(c->subject);
    for (size_t i = 0; i < 1000 && tw_dn_next(&it, type, sizeof type, text, sizeof text); i++)
        require(strlen(text) < sizeof text);
}

static void texts(const struct tw_cert *c)
{
    struct tw_key_info key;
    char buf[40];
    tw_cert_key_info(c, &key);
    tw_key_strength(&key);
    tw_cert_sig_strength(c);
    tw_cert_explicit_curve(c);
    require(strlen(tw_cert_sig_name(c, buf, sizeof buf)) < sizeof buf);
    require(strlen(tw_dn_text(c->subject, buf, sizeof buf)) < sizeof buf);
    require(strlen(tw_dn_attr(c->issuer, "CN", buf, sizeof buf)) < sizeof buf);
    require(!tw_dn_equal(c->subject, c->issuer) ||
            tw_dn_hash(c->subject) == tw_dn_hash(c->issuer));
    require(strlen(tw_time_text(c->not_after, buf, sizeof buf)) < sizeof buf);
}

static void names(const struct tw_cert *c)
{
    static const char *const asked[] = {"www.example.test", "192.0.2.1", "2001:db8::1", "a_b", "x y",
                                        "urn:a:b", ""};
    char nearest[64];
    for (size_t i = 0; i < TW_ARRAY_LEN(asked); i++) {
        tw_cert_name_match(c, asked[i], nearest, sizeof nearest);
        require(strlen(nearest) < sizeof nearest);
        tw_cert_email_match(c, asked[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_cert c;
    struct tw_cert_fault faults[32];
    bool ok = tw_cert_parse(tw_view_of(data, size), &c);
    require(ok == (c.fail_field == NULL));
    require(c.fail_at <= size);
    lists(&c);
    texts(&c);
    names(&c);
    for (int leaf = 0; leaf < 2; leaf++) {
        size_t n = tw_cert_faults(&c, TW_FAULT_ADVICE, leaf == 1, faults, TW_ARRAY_LEN(faults));
        require(n <= TW_ARRAY_LEN(faults));
        for (size_t i = 0; i < n; i++)
            require(faults[i].id != NULL && faults[i].text != NULL && faults[i].at <= size);
    }
    return 0;
}
