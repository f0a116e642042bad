/*
 * The CA/Browser Forum's Baseline Requirements for TLS server certificates, as far as clients are
 * hurt by what breaks them. Dates and limits are the document's; limits on validity go by the day
 * of issue, so that certificates from before a change are judged by what held then.
 */
#include "x509/lint.h"

enum { DAY = 86400 };

static void webpki(struct lint *l, const char *id, struct tw_view where, const char *text,
                   const char *source)
{
    lint_add(l, TW_FAULT_WEBPKI, id, where, text, source);
}

/* ---- validity (BR 6.3.2) --------------------------------------------------------------------------------- */

/* From this notBefore on, at most so many days. 39 and 60 months are counted as 1188 and 1827 days:
 * the longest that so many months can be. */
static const struct { int year, month, day, days; } limits[] = {
    {2029, 3, 15, 47}, {2027, 3, 15, 100}, {2026, 3, 15, 200}, {2020, 9, 1, 398},
    {2018, 3, 1, 825}, {2015, 4, 1, 1188}, {2012, 7, 1, 1827}};

static void lint_validity(struct lint *l)
{
    const struct tw_cert *c = l->c;
    /* both ends are in it: a second more than the difference */
    int64_t span = c->not_after - c->not_before + 1;
    for (size_t i = 0; i < TW_ARRAY_LEN(limits); i++) {
        if (c->not_before < der_days(limits[i].year, limits[i].month, limits[i].day) * DAY)
            continue;
        if (span > (int64_t)limits[i].days * DAY)
            webpki(l, "validity_too_long", lint_nowhere(),
                   "valid for longer than allowed on the day of issue", "CA/Browser Forum BR 6.3.2");
        return;
    }
}

/* ---- key (BR 6.1.5, 6.1.6, 7.1.3.1) ------------------------------------------------------------------------- */

static void lint_public_key(struct lint *l)
{
    static const char source[] = "CA/Browser Forum BR 6.1.5";
    struct tw_key_info k;
    struct tw_view none = lint_nowhere();
    tw_cert_key_info(l->c, &k);
    if (k.type == TW_KEY_RSA && k.bits < 2048)
        webpki(l, "webpki_key", none, "an RSA key below 2048 bits", source);
    else if (k.type == TW_KEY_RSA && k.bits % 8 != 0)
        webpki(l, "webpki_key", none, "an RSA key whose size is no multiple of 8", source);
    else if (k.type == TW_KEY_EC && k.group != TW_GRP_SECP256R1 && k.group != TW_GRP_SECP384R1 &&
             k.group != TW_GRP_SECP521R1)
        webpki(l, "webpki_key_type", none, "an EC key on none of P-256, P-384, P-521", source);
    else if (k.type != TW_KEY_RSA && k.type != TW_KEY_EC)
        webpki(l, "webpki_key_type", none, "a key that is neither RSA nor ECDSA", source);
}

/* ---- subscriber certificates (BR 7.1.2.7) ---------------------------------------------------------------------- */

static void lint_leaf_extensions(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_view none = lint_nowhere();
    if (c->is_ca)
        webpki(l, "leaf_is_ca", none, "a CA's certificate in the place of a server's",
               "CA/Browser Forum BR 7.1.2.7.8");
    if (c->key_usage & (TW_KU_CERT_SIGN | TW_KU_CRL_SIGN))
        webpki(l, "leaf_signs", none, "keyUsage with keyCertSign or cRLSign",
               "CA/Browser Forum BR 7.1.2.7.11");
    if (!c->has_eku)
        webpki(l, "eku_missing", none, "no extKeyUsage", "CA/Browser Forum BR 7.1.2.7.6");
    else if (c->eku_any)
        webpki(l, "eku_any", c->eku, "extKeyUsage with anyExtendedKeyUsage",
               "CA/Browser Forum BR 7.1.2.7.10");
    else if (!c->eku_server)
        webpki(l, "eku_no_server", c->eku, "extKeyUsage without serverAuth",
               "CA/Browser Forum BR 7.1.2.7.10");
    if (tw_cert_ext_critical(c, TW_CEXT_EKU))
        webpki(l, "eku_critical", c->eku, "extKeyUsage is critical",
               "CA/Browser Forum BR 7.1.2.7.6");
    if (!c->has_san)
        webpki(l, "san_missing", none, "no subjectAltName", "CA/Browser Forum BR 7.1.2.7.12");
    else if (tw_cert_ext_critical(c, TW_CEXT_SAN) && !tw_dn_empty(c->subject))
        webpki(l, "san_critical", c->san, "subjectAltName is critical though there is a subject",
               "CA/Browser Forum BR 7.1.2.7.12");
}

/* A SAN entry in the one text form that a CN may repeat it in (BR 7.1.4.3, RFC 5952). */
static void entry_text(unsigned tag, struct tw_view v, char *buf, size_t cap)
{
    if (tag == TW_SAN_IP && v.len == 16)
        tw_ip6_text(v.data, buf, cap);
    else if (tag == TW_SAN_IP && v.len == 4)
        snprintf(buf, cap, "%u.%u.%u.%u", v.data[0], v.data[1], v.data[2], v.data[3]);
    else
        snprintf(buf, cap, "%.*s", (int)(v.len < 1000 ? v.len : 1000), (const char *)v.data);
}

static bool cn_in_san(const struct tw_cert *c, const char *cn)
{
    struct tw_view v;
    size_t pos = 0;
    unsigned tag;
    char entry[300];
    while (tw_general_name_next(c->san, &pos, &tag, &v)) {
        if ((tag != TW_SAN_DNS && tag != TW_SAN_IP) || v.len >= sizeof entry)
            continue;
        entry_text(tag, v, entry, sizeof entry);
        if (strcmp(entry, cn) == 0)
            return true;
    }
    return false;
}

static void lint_common_name(struct lint *l)
{
    struct tw_dn_iter it = tw_dn_begin(l->c->subject);
    char type[64], cn[300];
    /* there should be one CN; hostile ones may have thousands, times thousands of names */
    for (size_t i = 0; i < 16 && tw_dn_next(&it, type, sizeof type, cn, sizeof cn); i++)
        if (strcmp(type, "CN") == 0 && !cn_in_san(l->c, cn)) {
            webpki(l, "cn_not_in_san", l->c->subject,
                   "the subject's CN is not one of the subjectAltNames, character by character",
                   "CA/Browser Forum BR 7.1.4.3");
            return;
        }
}

static void lint_san_types(struct lint *l)
{
    struct tw_view v;
    size_t pos = 0;
    unsigned tag;
    while (tw_general_name_next(l->c->san, &pos, &tag, &v))
        if (tag != TW_SAN_DNS && tag != TW_SAN_IP) {
            webpki(l, "san_type", v, "a subjectAltName that is neither dNSName nor iPAddress",
                   "CA/Browser Forum BR 7.1.2.7.12");
            return;
        }
}

/* ---- CA certificates (BR 7.1.2.1) ------------------------------------------------------------------------------- */

static void lint_root(struct lint *l)
{
    const struct tw_cert *c = l->c;
    if (c->has_eku)
        webpki(l, "root_eku", c->eku, "a root with extKeyUsage", "CA/Browser Forum BR 7.1.2.1.2");
    if (!tw_cert_has_ext(c, TW_CEXT_AKI))
        return;
    if (c->aki_keyid.len == 0 || !tw_view_eq(c->aki_keyid, c->ski))
        webpki(l, "root_aki_keyid", c->aki, "a root whose authorityKeyIdentifier is not its "
                                            "subjectKeyIdentifier", "CA/Browser Forum BR 7.1.2.1.3");
    if (c->aki_issuer.len > 0 || c->aki_serial.len > 0)
        webpki(l, "root_aki_issuer", c->aki, "a root whose authorityKeyIdentifier names an issuer "
                                             "or serial number", "CA/Browser Forum BR 7.1.2.1.3");
}

void lint_webpki(struct lint *l)
{
    const struct tw_cert *c = l->c;
    if (c->version != 3)
        webpki(l, "not_version_3", lint_nowhere(), "not version 3", "CA/Browser Forum BR 7.1.1");
    lint_public_key(l);
    if (l->is_leaf) {
        lint_leaf_extensions(l);
        lint_common_name(l);
        lint_san_types(l);
        lint_validity(l);
    } else if (c->self_issued) {
        lint_root(l);
    }
}
