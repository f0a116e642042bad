/*
 * Everything wrong with one path: RFC 5280 section 6.1.3 and 6.1.4 for each certificate in its
 * place, the purpose, the name asked for, strength, and the profiles that the policy adds. Nothing
 * stops at the first fault. Unlike in 6.1.1 (d), the anchor's own dates, constraints and key count
 * too: every mainstream validator looks at them.
 */
#include "x509/path_internal.h"

struct check {
    struct builder *b;
    struct tw_path *p;
    const struct tw_path_request *req;
};

static const struct tw_cert *cert_at(const struct check *k, size_t i)
{
    return k->p->steps[i].cert;
}

static bool is_top_anchor(const struct check *k, size_t i)
{
    return k->p->anchored && i + 1 == k->p->n;
}

/* ---- the certificate by itself ------------------------------------------------------------------------- */

static enum tw_path_problem problem_of(const struct tw_cert_fault *f)
{
    if (strcmp(f->id, "validity_too_long") == 0)
        return TW_PATH_VALIDITY_TOO_LONG;
    if (strcmp(f->id, "leaf_is_ca") == 0)
        return TW_PATH_LEAF_IS_CA;
    if (strcmp(f->id, "webpki_key") == 0)
        return TW_PATH_WEAK_KEY;
    if (strcmp(f->id, "webpki_key_type") == 0)
        return TW_PATH_UNSUPPORTED_KEY;
    switch (f->class_) {
    case TW_FAULT_DER:
        return TW_PATH_MALFORMED;
    case TW_FAULT_PROFILE:
        return TW_PATH_PROFILE;
    default:
        return TW_PATH_WEBPKI;
    }
}

static enum tw_fault_class class_of(enum tw_policy policy)
{
    return policy == TW_POLICY_RFC5280  ? TW_FAULT_DER
           : policy == TW_POLICY_STRICT ? TW_FAULT_PROFILE
                                        : TW_FAULT_WEBPKI;
}

/* The one rule of RFC 5280 that the Baseline Requirements lift. */
static bool lifted(const struct check *k, const struct tw_cert_fault *f)
{
    return k->req->policy == TW_POLICY_WEBPKI && strcmp(f->id, "nc_not_critical") == 0;
}

/* What cannot be read is an extension that path validation does not look into. */
static bool is_idle(const struct tw_cert *c)
{
    switch (c->fail_ext) {
    case TW_CEXT_IAN:
    case TW_CEXT_AIA:
    case TW_CEXT_SIA:
    case TW_CEXT_SCTS:
    case TW_CEXT_TLS_FEATURE:
    case TW_CEXT_FRESHEST_CRL:
    case TW_CEXT_SUBJECT_DIRECTORY:
        return c->framed && !tw_cert_ext_critical(c, c->fail_ext);
    default:
        return false;
    }
}

static void check_form(struct check *k, size_t i)
{
    struct tw_cert_fault faults[16];
    const struct tw_cert *c = cert_at(k, i);
    if (c->fail_field != NULL && (k->req->policy != TW_POLICY_RFC5280 || !is_idle(c))) {
        struct tw_cert_fault f = {TW_FAULT_DER, "grammar", NULL, "X.690", c->fail_at};
        path_lint(k->b, k->p, TW_PATH_MALFORMED, (int)i, &f);
    }
    size_t n = tw_cert_faults(c, class_of(k->req->policy), i == 0, faults, TW_ARRAY_LEN(faults));
    for (size_t j = 0; j < n; j++)
        if (!lifted(k, &faults[j]))
            path_lint(k->b, k->p, problem_of(&faults[j]), (int)i, &faults[j]);
}

static void check_dates(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    char when[32];
    if (!c->framed)
        return;
    if (k->req->wall_time > c->not_after)
        path_fault(k->b, k->p, TW_PATH_EXPIRED, (int)i, "RFC 5280 4.1.2.5", "notAfter %s",
                   tw_time_text(c->not_after, when, sizeof when));
    if (k->req->wall_time < c->not_before)
        path_fault(k->b, k->p, TW_PATH_NOT_YET_VALID, (int)i, "RFC 5280 4.1.2.5", "notBefore %s",
                   tw_time_text(c->not_before, when, sizeof when));
}

static void check_critical(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    char oid[96], name[160];
    if (!c->unknown_critical)
        return;
    tw_oid_dotted(c->unknown_oid, oid, sizeof oid);
    path_fault(k->b, k->p, TW_PATH_UNKNOWN_CRITICAL, (int)i, "RFC 5280 4.2",
               "%s: critical extension %s", cert_words(c, name, sizeof name), oid);
}

/* ---- strength ---------------------------------------------------------------------------------------------- */

unsigned path_level_bits(const struct tw_path_request *req)
{
    static const unsigned bits[] = {0, 80, 112, 128, 192, 256};
    unsigned level = req->level == 0 ? 2 : req->level - 1;
    return bits[level < TW_ARRAY_LEN(bits) ? level : TW_ARRAY_LEN(bits) - 1];
}

static void check_key(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    struct tw_key_info info;
    char name[160];
    tw_cert_key_info(c, &info);
    unsigned strength = tw_key_strength(&info);
    if (strength > 0 && strength < path_level_bits(k->req))
        path_fault(k->b, k->p, TW_PATH_WEAK_KEY, (int)i, "NIST SP 800-57 part 1", "%s: %s key of %u bits",
                   cert_words(c, name, sizeof name), tw_key_type_name(info.type), info.bits);
    if (info.type == TW_KEY_EC && tw_cert_explicit_curve(c))
        path_fault(k->b, k->p, TW_PATH_EXPLICIT_CURVE, (int)i, "RFC 5480 2.1.1", NULL);
}

/* The signature on an anchor, or on a root nobody knows, proves nothing and is not asked for. */
static void check_hash(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    char alg[64], name[160];
    unsigned strength = tw_cert_sig_strength(c);
    bool top = i + 1 == k->p->n;
    if ((top && (k->p->anchored || c->self_issued)) || strength == 0 ||
        strength >= path_level_bits(k->req) || (strength == 63 && k->req->sha1_ok))
        return;
    path_fault(k->b, k->p, TW_PATH_WEAK_SIGNATURE, (int)i, "RFC 9155", "%s: signed with %s",
               cert_words(c, name, sizeof name), tw_cert_sig_name(c, alg, sizeof alg));
}

/* ---- as an issuer --------------------------------------------------------------------------------------------- */

/* RFC 5280 6.1.4 (k): version 3 needs cA; older ones are taken as anchors only. */
static bool is_ca(const struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    return c->has_basic ? c->is_ca : c->version < 3 && is_top_anchor(k, i) && c->ext_count == 0;
}

static void check_path_len(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    char name[160];
    int below = 0;
    for (size_t j = 1; j < i; j++)
        below += !cert_at(k, j)->self_issued && !tw_cert_has_ext(cert_at(k, j), TW_CEXT_PROXY_INFO);
    if (c->path_len >= 0 && below > c->path_len)
        path_fault(k->b, k->p, TW_PATH_PATH_LEN, (int)i, "RFC 5280 4.2.1.9",
                   "%s allows %d CAs below it, there are %d", cert_words(c, name, sizeof name),
                   c->path_len, below);
}

static void check_issuer(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    char name[160];
    if (tw_cert_has_ext(cert_at(k, i - 1), TW_CEXT_PROXY_INFO))
        return; /* issued by an end entity, as RFC 3820 wants it; check_proxy() looks */
    cert_words(c, name, sizeof name);
    if (!is_ca(k, i))
        path_fault(k->b, k->p, TW_PATH_NOT_A_CA, (int)i, "RFC 5280 4.2.1.9", "%s: %s", name,
                   !c->has_basic ? "no basicConstraints" : "basicConstraints says cA FALSE");
    if (c->has_key_usage && !(c->key_usage & TW_KU_CERT_SIGN))
        path_fault(k->b, k->p, TW_PATH_KEY_USAGE, (int)i, "RFC 5280 4.2.1.3",
                   "%s: keyUsage without keyCertSign", name);
    check_path_len(k, i);
}

/* ---- purpose ----------------------------------------------------------------------------------------------------- */

/* TLS servers sign (digitalSignature), decrypt (RSA key exchange) or agree (static ECDH). */
static const unsigned usage_of[] = {
    [TW_PURPOSE_SERVER] = TW_KU_DIGITAL_SIGNATURE | TW_KU_KEY_ENCIPHERMENT | TW_KU_KEY_AGREEMENT,
    [TW_PURPOSE_CLIENT] = TW_KU_DIGITAL_SIGNATURE | TW_KU_KEY_AGREEMENT,
    [TW_PURPOSE_ANY] = 0xffff,
    [TW_PURPOSE_TIMESTAMP] = TW_KU_DIGITAL_SIGNATURE | TW_KU_NON_REPUDIATION,
    [TW_PURPOSE_CODE] = TW_KU_DIGITAL_SIGNATURE};

static bool eku_allows(const struct tw_cert *c, enum tw_purpose purpose)
{
    if (!c->has_eku || c->eku_any)
        return true;
    switch (purpose) {
    case TW_PURPOSE_SERVER:
        return c->eku_server;
    case TW_PURPOSE_CLIENT:
        return c->eku_client;
    case TW_PURPOSE_TIMESTAMP:
        return tw_cert_has_eku(c, "1.3.6.1.5.5.7.3.8");
    case TW_PURPOSE_CODE:
        return tw_cert_has_eku(c, "1.3.6.1.5.5.7.3.3");
    default:
        return true;
    }
}

static void eku_list(const struct tw_cert *c, char *buf, size_t cap)
{
    size_t pos = 0, n = 0;
    struct tw_view oid;
    buf[0] = '\0';
    while (n + 48 < cap && tw_cert_eku_next(c, &pos, &oid)) {
        char dotted[64];
        const struct tw_oid *o = tw_oid_by_der(oid);
        int k = snprintf(buf + n, cap - n, "%s%.40s", n > 0 ? ", " : "",
                         o != NULL ? o->name : tw_oid_dotted(oid, dotted, sizeof dotted));
        n += k > 0 ? (size_t)k : 0;
    }
}

static void eku_fault(struct check *k, size_t i, const char *what)
{
    char list[300], name[160];
    const struct tw_cert *c = cert_at(k, i);
    eku_list(c, list, sizeof list);
    path_fault(k->b, k->p, TW_PATH_EKU, (int)i, "RFC 5280 4.2.1.12", "%s: %s; it allows %s",
               cert_words(c, name, sizeof name), what, list[0] != '\0' ? list : "nothing by name");
}

/* RFC 3161 2.3 and the Baseline Requirements for code signing: nothing else beside the purpose. */
static void check_single_purpose(struct check *k)
{
    const struct tw_cert *c = cert_at(k, 0);
    size_t pos = 0, n = 0;
    struct tw_view oid;
    while (tw_cert_eku_next(c, &pos, &oid))
        n++;
    if (k->req->purpose == TW_PURPOSE_TIMESTAMP &&
        (n != 1 || c->eku_any || !tw_cert_ext_critical(c, TW_CEXT_EKU)))
        eku_fault(k, 0, "must allow timeStamping alone, in a critical extension");
    if (k->req->purpose == TW_PURPOSE_TIMESTAMP && c->has_key_usage &&
        (c->key_usage & ~usage_of[TW_PURPOSE_TIMESTAMP]) != 0)
        path_fault(k->b, k->p, TW_PATH_KEY_USAGE, 0, "RFC 3161 2.3",
                   "keyUsage must hold digitalSignature and nonRepudiation at most");
    if (k->req->purpose == TW_PURPOSE_CODE && (n == 0 || c->eku_any || c->eku_server))
        eku_fault(k, 0, "must allow codeSigning, and neither anyExtendedKeyUsage nor serverAuth");
    if (k->req->purpose == TW_PURPOSE_CODE &&
        (!c->has_key_usage || !tw_cert_ext_critical(c, TW_CEXT_KEY_USAGE) ||
         (c->key_usage & (TW_KU_CERT_SIGN | TW_KU_CRL_SIGN)) != 0))
        path_fault(k->b, k->p, TW_PATH_KEY_USAGE, 0, "CA/Browser Forum Code Signing BR 7.1.2.3",
                   "keyUsage must be critical, and without keyCertSign and cRLSign");
}

static void check_purpose(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    static const char *const words[] = {"no TLS server", "no TLS client", "", "no time stamping",
                                        "no code signing"};
    /* what the store says of an anchor replaces what the anchor's certificate says */
    bool settled = is_top_anchor(k, i) && k->b->nodes[k->b->chain[i]].by_settings;
    if (!settled && !eku_allows(c, k->req->purpose))
        eku_fault(k, i, words[k->req->purpose]);
    if (i > 0)
        return;
    if (!k->req->any_usage && c->has_key_usage && (c->key_usage & usage_of[k->req->purpose]) == 0)
        path_fault(k->b, k->p, TW_PATH_KEY_USAGE, 0, "RFC 5280 4.2.1.3",
                   "keyUsage has none of the bits that this purpose needs");
    if (k->req->purpose >= TW_PURPOSE_TIMESTAMP)
        check_single_purpose(k);
}

/* ---- trust settings, length, proxies ----------------------------------------------------------------------------- */

static void check_trust(struct check *k, size_t i)
{
    struct node *n = &k->b->nodes[k->b->chain[i]];
    char name[160];
    if (path_anchor_state(k->b, n) == ANCHOR_REFUSED)
        path_fault(k->b, k->p, TW_PATH_DISTRUSTED, (int)i, NULL,
                   "%s is in %s, but not trusted there for this purpose",
                   cert_words(&n->cert, name, sizeof name), tw_trust_label(k->req->trust));
}

static void check_depth(struct check *k)
{
    unsigned between = 0, max = k->req->max_depth - 1;
    if (k->req->max_depth == 0)
        return;
    for (size_t i = 1; i + 1 < k->p->n; i++)
        between += !cert_at(k, i)->self_issued;
    if (between > max)
        path_fault(k->b, k->p, TW_PATH_TOO_LONG, -1, NULL,
                   "%u intermediates, at most %u are allowed", between, max);
}

/* pCPathLenConstraint of ProxyCertInfo (RFC 3820 3.8); -1 none. */
static int proxy_path_len(const struct tw_cert *c)
{
    struct tw_reader s = der_open(c->proxy_info, DER_SEQ, "ProxyCertInfo");
    return der_peek(&s) == DER_INT ? der_small(&s, DER_INT, "pCPathLenConstraint") : -1;
}

/* RFC 3820 3.4: the subject is the issuer's with one more CN. Compared by their encodings. */
static bool proxy_subject_fits(const struct tw_cert *c)
{
    struct tw_reader s = der_open(c->subject, DER_SEQ, "subject");
    struct tw_reader i = der_open(c->issuer, DER_SEQ, "issuer");
    struct tw_view base = tw_rd_rest(&i), all = tw_rd_rest(&s);
    if (all.len <= base.len || memcmp(all.data, base.data, base.len) != 0)
        return false;
    struct tw_reader last = tw_rd_of(tw_view_sub(all, base.len, all.len - base.len));
    struct tw_reader set = der_next(&last, DER_SET, "RDN");
    struct tw_reader attr = der_next(&set, DER_SEQ, "attribute");
    struct tw_view oid = der_bytes(&attr, DER_OID, "type");
    return tw_rd_ok(&attr) && !tw_rd_more(&last) && !tw_rd_more(&set) &&
           tw_view_eq(oid, tw_view_of("\x55\x04\x03", 3));
}

static void check_proxy(struct check *k, size_t i)
{
    const struct tw_cert *c = cert_at(k, i);
    if (!tw_cert_has_ext(c, TW_CEXT_PROXY_INFO))
        return;
    if (!k->req->allow_proxy)
        path_fault(k->b, k->p, TW_PATH_PROXY, (int)i, "RFC 3820",
                   "a proxy certificate, which TLS clients and servers do not take");
    if (!proxy_subject_fits(c))
        path_fault(k->b, k->p, TW_PATH_PROXY, (int)i, "RFC 3820 3.4",
                   "its subject is not its issuer's with one CN more");
    int len = proxy_path_len(c), below = (int)i;
    if (len >= 0 && below > len)
        path_fault(k->b, k->p, TW_PATH_PATH_LEN, (int)i, "RFC 3820 3.8",
                   "allows %d proxies below it, there are %d", len, below);
}

/* ---- the name asked for -------------------------------------------------------------------------------------------- */

static void san_list(const struct tw_cert *c, char *buf, size_t cap)
{
    struct tw_view v;
    size_t n = 0, pos = 0;
    unsigned tag;
    buf[0] = '\0';
    while (tw_general_name_next(c->san, &pos, &tag, &v)) {
        char one[256];
        tw_san_text((enum tw_san_type)tag, v, one, sizeof one);
        if (n + strlen(one) + 16 > cap) {
            snprintf(buf + n, cap - n, "%sand more", n > 0 ? ", " : "");
            return;
        }
        n += (size_t)snprintf(buf + n, cap - n, "%s%s", n > 0 ? ", " : "", one);
    }
    if (n == 0)
        tw_copy_str(buf, cap, "none (no subjectAltName)");
}

static enum tw_path_problem name_problem(enum tw_name_match m)
{
    switch (m) {
    case TW_NAME_OK:
        return TW_PATH_OK;
    case TW_NAME_NO_SAN:
        return TW_PATH_NAME_NO_SAN;
    case TW_NAME_WILDCARD_DEPTH:
        return TW_PATH_NAME_WILDCARD;
    case TW_NAME_IP_NOT_IN_SAN:
        return TW_PATH_NAME_IP;
    case TW_NAME_UNUSUAL_FORM:
        return TW_PATH_NAME_FORM;
    default:
        return TW_PATH_NAME_MISMATCH;
    }
}

static bool cn_fits(const struct tw_cert *c, enum tw_name_match m, const char *name)
{
    char cn[256];
    return m == TW_NAME_NO_SAN ||
           tw_view_ieq(tw_view_str(tw_dn_attr(c->subject, "CN", cn, sizeof cn)), name);
}

static void check_names(struct check *k)
{
    const struct tw_cert *c = cert_at(k, 0);
    const struct tw_path_request *req = k->req;
    char nearest[256], list[500];
    for (size_t i = 0; i < req->emails_n; i++)
        if (!tw_cert_email_match(c, req->emails[i]))
            path_fault(k->b, k->p, TW_PATH_NAME_MISMATCH, 0, "RFC 5280 7.5", "no rfc822Name %s",
                       req->emails[i]);
    if (req->name == NULL || req->name[0] == '\0')
        return;
    enum tw_name_match m = tw_cert_name_match(c, req->name, nearest, sizeof nearest);
    if (m == TW_NAME_OK || (req->cn_ok && !c->has_san && cn_fits(c, m, req->name)))
        return;
    san_list(c, list, sizeof list);
    path_fault(k->b, k->p, name_problem(m), 0, "RFC 9525 6", "%s", list);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

void path_check(struct builder *b, struct tw_path *p)
{
    struct check k = {b, p, b->req};
    for (size_t i = 0; i < p->n; i++) {
        check_form(&k, i);
        check_dates(&k, i);
        check_critical(&k, i);
        check_trust(&k, i);
        if (i > 0)
            check_issuer(&k, i);
        check_purpose(&k, i);
        check_proxy(&k, i);
        check_key(&k, i);
        check_hash(&k, i);
    }
    check_names(&k);
    check_depth(&k);
    path_check_names(b, p);
    path_check_policies(b, p);
    path_check_crls(b, p);
}

/* What the Baseline Requirements add to the policy asked for, about the leaf. */
void path_advise(struct builder *b, struct tw_path *p)
{
    struct tw_path scratch = *p;
    struct tw_cert_fault faults[TW_PATH_MAX_FAULTS];
    if (b->req->policy == TW_POLICY_WEBPKI || b->req->purpose != TW_PURPOSE_SERVER)
        return;
    size_t n = tw_cert_faults(p->steps[0].cert, TW_FAULT_WEBPKI, true, faults,
                              TW_ARRAY_LEN(faults));
    scratch.faults_n = 0;
    for (size_t i = 0; i < n; i++)
        if (faults[i].class_ > class_of(b->req->policy))
            path_lint(b, &scratch, problem_of(&faults[i]), 0, &faults[i]);
    memcpy(p->advice, scratch.faults, sizeof p->advice);
    p->advice_n = scratch.faults_n;
}
