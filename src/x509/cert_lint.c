/*
 * What is wrong with a certificate by itself under RFC 5280 section 4 and X.690: rules that need
 * neither keys nor other certificates. Each block names its section. TW_FAULT_DER is what no
 * validator should take; TW_FAULT_PROFILE what a CA must not issue.
 */
#include "x509/lint.h"

void lint_add(struct lint *l, enum tw_fault_class class_, const char *id, struct tw_view where,
              const char *text, const char *source)
{
    if (class_ > l->upto || l->n == l->cap)
        return;
    size_t at = where.data == NULL ? 0 : (size_t)(where.data - l->c->der.data);
    l->out[l->n++] = (struct tw_cert_fault){class_, id, text, source, at};
}

static void der(struct lint *l, const char *id, struct tw_view where, const char *text,
                const char *source)
{
    lint_add(l, TW_FAULT_DER, id, where, text, source);
}

static void profile(struct lint *l, const char *id, struct tw_view where, const char *text,
                    const char *source)
{
    lint_add(l, TW_FAULT_PROFILE, id, where, text, source);
}

static void advice(struct lint *l, const char *id, struct tw_view where, const char *text,
                   const char *source)
{
    lint_add(l, TW_FAULT_ADVICE, id, where, text, source);
}

/* ---- version, serial, algorithm, names, dates (4.1) ------------------------------------------------------ */

static void lint_frame(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_view none = lint_nowhere(), s = c->serial;
    if (c->version == 0)
        der(l, "version_unknown", none, "the version is none of 1, 2, 3", "RFC 5280 4.1.2.1");
    else if (c->extensions.len > 0 && c->version != 3)
        profile(l, "extensions_version", none, "has extensions but is not version 3",
                "RFC 5280 4.1.2.1");
    if (c->version == 1 &&
        (c->issuer_uid.data != NULL || c->subject_uid.data != NULL))
        profile(l, "unique_id_version", none, "has a unique identifier but is version 1",
                "RFC 5280 4.1.2.8");
    if (c->issuer_uid.data != NULL || c->subject_uid.data != NULL)
        profile(l, "unique_id", c->issuer_uid.data != NULL ? c->issuer_uid : c->subject_uid,
                "has a unique identifier", "RFC 5280 4.1.2.8");
    if (!tw_view_eq(c->sig_alg, c->tbs_sig_alg))
        der(l, "algorithm_mismatch", c->sig_alg,
            "signatureAlgorithm differs from the signature field inside", "RFC 5280 4.1.1.2");
    if (c->self_issued && c->is_ca)
        ; /* a root's number names nothing: it is on no CRL */
    else if (!der_int_minimal(s))
        profile(l, "serial_encoding", s, "serialNumber is not in its shortest form", "X.690 8.3.2");
    else if (s.data[0] & 0x80)
        profile(l, "serial_negative", s, "serialNumber is negative", "RFC 5280 4.1.2.2");
    else if (s.len == 1 && s.data[0] == 0)
        profile(l, "serial_zero", s, "serialNumber is zero", "RFC 5280 4.1.2.2");
    if (s.len > 20 && !c->self_issued)
        profile(l, "serial_too_long", s, "serialNumber is longer than 20 octets",
                "RFC 5280 4.1.2.2");
    if (tw_dn_empty(c->issuer))
        profile(l, "issuer_empty", c->issuer, "the issuer name is empty", "RFC 5280 4.1.2.4");
    if (c->is_ca && tw_dn_empty(c->subject))
        profile(l, "ca_subject_empty", c->subject, "a CA whose subject name is empty",
                "RFC 5280 4.1.2.6");
    if (c->empty_rdn)
        profile(l, "rdn_empty", c->issuer, "a name with an empty part", "X.501 9.3");
    if (c->not_after < c->not_before)
        profile(l, "validity_negative", none, "notAfter is before notBefore", "RFC 5280 4.1.2.5");
}

/* 4.1.2.5: UTCTime up to 2049 and GeneralizedTime after, seconds in both. */
static void lint_one_time(struct lint *l, struct tw_reader *validity)
{
    uint8_t tag;
    struct tw_view whole = lint_nowhere();
    struct tw_reader in = der_any(validity, &tag, &whole, "time");
    struct tw_view v = tw_rd_rest(&in);
    if (v.len != (tag == DER_UTC ? 13u : 15u))
        profile(l, "time_form", whole, "a time without seconds", "RFC 5280 4.1.2.5");
    else if (tag == DER_GENTIME && memcmp(v.data, "2050", 4) < 0)
        profile(l, "time_general_before_2050", whole, "GeneralizedTime for a date before 2050",
                "RFC 5280 4.1.2.5");
}

static void lint_times(struct lint *l)
{
    /* validity stands between issuer and subject */
    const struct tw_cert *c = l->c;
    const uint8_t *start = c->issuer.data + c->issuer.len;
    struct tw_reader r = tw_rd_of(tw_view_of(start, (size_t)(c->subject.data - start)));
    struct tw_reader validity = der_next(&r, DER_SEQ, "validity");
    lint_one_time(l, &validity);
    lint_one_time(l, &validity);
}

/* X.690 11.5: a critical flag that is FALSE is left out. */
static void lint_extension_list(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_reader list = der_open(c->extensions, DER_SEQ, "extensions");
    if (c->extensions.len == 2)
        profile(l, "extensions_empty", c->extensions, "an empty list of extensions",
                "RFC 5280 4.1.2.9");
    while (tw_rd_more(&list)) {
        struct tw_reader e = der_next(&list, DER_SEQ, "Extension"), in;
        struct tw_view oid = der_bytes(&e, DER_OID, "extnID");
        if (der_optional(&e, DER_BOOL, &in) && tw_rd_left(&in) == 1 && in.data[in.pos] == 0)
            profile(l, "critical_false_encoded", oid, "critical FALSE is spelt out", "X.690 11.5");
    }
    if (c->duplicate_ext)
        der(l, "extension_duplicate", c->extensions, "the same extension twice", "RFC 5280 4.2");
}

/* ---- key identifiers (4.2.1.1, 4.2.1.2) -------------------------------------------------------------------- */

static void lint_key_ids(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_view none = lint_nowhere();
    if (tw_cert_ext_critical(c, TW_CEXT_SKI))
        profile(l, "ski_critical", c->ski, "subjectKeyIdentifier is critical", "RFC 5280 4.2.1.2");
    if (tw_cert_ext_critical(c, TW_CEXT_AKI))
        profile(l, "aki_critical", c->aki, "authorityKeyIdentifier is critical",
                "RFC 5280 4.2.1.1");
    if (c->is_ca && !tw_cert_has_ext(c, TW_CEXT_SKI))
        profile(l, "ski_missing", none, "a CA without subjectKeyIdentifier", "RFC 5280 4.2.1.2");
    bool has_aki = tw_cert_has_ext(c, TW_CEXT_AKI);
    if (!has_aki && !c->self_issued && c->version == 3)
        profile(l, "aki_missing", none, "no authorityKeyIdentifier", "RFC 5280 4.2.1.1");
    else if (has_aki && c->aki_keyid.len == 0 && !c->self_issued)
        profile(l, "aki_no_keyid", c->aki, "authorityKeyIdentifier without keyIdentifier",
                "RFC 5280 4.2.1.1");
    if (has_aki && (c->aki_issuer.len > 0) != (c->aki_serial.len > 0))
        profile(l, "aki_half", c->aki, "authorityCertIssuer and authorityCertSerialNumber must come "
                                       "together", "RFC 5280 4.2.1.1");
    if (!c->is_ca && !tw_cert_has_ext(c, TW_CEXT_SKI) && c->version == 3)
        advice(l, "leaf_ski_missing", none, "no subjectKeyIdentifier", "RFC 5280 4.2.1.2");
}

/* ---- basic constraints and key usage (4.2.1.9, 4.2.1.3) ------------------------------------------------------- */

static void lint_ca(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_view none = lint_nowhere();
    bool signs = (c->key_usage & TW_KU_CERT_SIGN) != 0;
    if (c->false_encoded)
        profile(l, "ca_false_encoded", none, "cA FALSE is spelt out", "X.690 11.5");
    if (c->usage_padded && c->key_usage != 0)
        profile(l, "key_usage_padded", none, "keyUsage with trailing zero bits, or bits without a meaning",
                "X.690 11.2.2");
    if (c->is_ca && !tw_cert_ext_critical(c, TW_CEXT_BASIC))
        profile(l, "basic_not_critical", none, "a CA's basicConstraints is not critical",
                "RFC 5280 4.2.1.9");
    if (c->path_len >= 0 && !c->is_ca)
        profile(l, "path_len_without_ca", none, "pathLenConstraint, but not a CA",
                "RFC 5280 4.2.1.9");
    if (c->path_len >= 0 && c->is_ca && c->has_key_usage && !signs)
        profile(l, "path_len_without_sign", none, "pathLenConstraint, but keyUsage without "
                                                  "keyCertSign", "RFC 5280 4.2.1.9");
    if (c->has_key_usage && c->key_usage == 0)
        profile(l, "key_usage_empty", none, "keyUsage without any bit set", "RFC 5280 4.2.1.3");
    if (signs && !c->is_ca)
        profile(l, "cert_sign_without_ca", none, "keyCertSign, but not a CA", "RFC 5280 4.2.1.9");
    if (c->has_key_usage && !tw_cert_ext_critical(c, TW_CEXT_KEY_USAGE))
        advice(l, "key_usage_not_critical", none, "keyUsage is not critical", "RFC 5280 4.2.1.3");
    if (c->is_ca && !c->has_key_usage)
        advice(l, "ca_key_usage_missing", none, "a CA without keyUsage", "RFC 5280 4.2.1.3");
}

/* ---- names (4.2.1.6) -------------------------------------------------------------------------------------------- */

static bool is_ia5(struct tw_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] >= 0x80)
            return false;
    return true;
}

static bool mailbox_valid(struct tw_view v)
{
    const uint8_t *at = v.len == 0 ? NULL : memchr(v.data, '@', v.len);
    size_t local = at == NULL ? 0 : (size_t)(at - v.data);
    return local > 0 && is_ia5(v) && memchr(v.data, ' ', v.len) == NULL &&
           tw_dns_name_valid(tw_view_sub(v, local + 1, v.len - local - 1), false, false);
}

/* RFC 3986: a scheme, a colon, something behind it. */
static bool uri_absolute(struct tw_view v)
{
    const uint8_t *colon = v.len == 0 ? NULL : memchr(v.data, ':', v.len);
    if (colon == NULL || colon == v.data || (size_t)(colon - v.data) + 1 >= v.len)
        return false;
    for (const uint8_t *p = v.data; p < colon; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (p > v.data && ((*p >= '0' && *p <= '9') || *p == '+' || *p == '-' || *p == '.'))))
            return false;
    size_t rest = v.len - (size_t)(colon - v.data);
    bool no_host = rest == 3 && memcmp(colon, "://", 3) == 0;
    return !no_host && memchr(v.data, ' ', v.len) == NULL;
}

static void lint_general_name(struct lint *l, unsigned tag, struct tw_view v, bool subject)
{
    if (tag == 2 && !is_ia5(v))
        profile(l, "dns_not_ia5", v, "a dNSName with bytes outside ASCII", "RFC 5280 4.2.1.6");
    else if (tag == 2 && !tw_dns_name_valid(v, false, subject))
        profile(l, "dns_syntax", v, "a dNSName that is no host name", "RFC 5280 4.2.1.6");
    else if (tag == 1 && !mailbox_valid(v))
        profile(l, "email_syntax", v, "an rfc822Name that is no mailbox", "RFC 5280 4.2.1.6");
    else if (tag == 6 && !is_ia5(v))
        profile(l, "uri_not_ia5", v, "a URI with bytes outside ASCII", "RFC 5280 4.2.1.6");
    else if (tag == 6 && !uri_absolute(v))
        profile(l, "uri_syntax", v, "a URI that is relative or malformed", "RFC 5280 4.2.1.6");
    else if (tag == 7 && v.len != 4 && v.len != 16)
        profile(l, "ip_length", v, "an iPAddress of neither 4 nor 16 bytes", "RFC 5280 4.2.1.6");
}

static void lint_names(struct lint *l, struct tw_view names, bool subject)
{
    struct tw_view v;
    size_t pos = 0, n = 0, before = l->n;
    unsigned tag;
    /* one fault a list is enough: certificates with thousands of names exist */
    for (; tw_general_name_next(names, &pos, &tag, &v) && l->n == before; n++) {
        if (v.len == 0)
            profile(l, "general_name_empty", names, "an empty name in a list of names",
                    "RFC 5280 4.2.1.6");
        else
            lint_general_name(l, tag, v, subject);
    }
    if (n == 0 && names.len > 0)
        profile(l, subject ? "san_empty" : "ian_empty", names, "a list of names without a name",
                "RFC 5280 4.2.1.6");
}

static void lint_san(struct lint *l)
{
    const struct tw_cert *c = l->c;
    lint_names(l, c->san, true);
    lint_names(l, c->ian, false);
    if (tw_dn_empty(c->subject) && !c->is_ca && !c->has_san)
        profile(l, "subject_empty", c->subject, "neither a subject nor a subjectAltName",
                "RFC 5280 4.1.2.6");
    else if (tw_dn_empty(c->subject) && !c->is_ca && !tw_cert_ext_critical(c, TW_CEXT_SAN))
        profile(l, "san_not_critical", c->san, "the subject is empty, but subjectAltName is not "
                                               "critical", "RFC 5280 4.2.1.6");
}

/* ---- name constraints (4.2.1.10) ------------------------------------------------------------------------------------ */

static void lint_subtrees(struct lint *l, struct tw_reader *list)
{
    if (!tw_rd_more(list))
        profile(l, "nc_subtrees_empty", l->c->name_constraints, "an empty list of subtrees",
                "RFC 5280 4.2.1.10");
    while (tw_rd_more(list)) {
        uint8_t tag;
        struct tw_reader s = der_next(list, DER_SEQ, "GeneralSubtree"), in;
        der_any(&s, &tag, NULL, "base");
        bool min = der_optional(&s, 0x80, &in) && !(tw_rd_left(&in) == 1 && in.data[in.pos] == 0);
        if (min || der_optional(&s, 0x81, &in)) {
            profile(l, "nc_range", l->c->name_constraints, "a subtree with minimum or maximum",
                    "RFC 5280 4.2.1.10");
            return;
        }
    }
}

static void lint_constraints(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_view nc = c->name_constraints;
    if (!tw_cert_has_ext(c, TW_CEXT_NAME_CONSTRAINTS))
        return;
    if (!c->is_ca)
        profile(l, "nc_not_ca", nc, "nameConstraints, but not a CA", "RFC 5280 4.2.1.10");
    if (!tw_cert_ext_critical(c, TW_CEXT_NAME_CONSTRAINTS))
        profile(l, "nc_not_critical", nc, "nameConstraints is not critical", "RFC 5280 4.2.1.10");
    struct tw_reader s = der_open(nc, DER_SEQ, "nameConstraints"), list;
    if (!tw_rd_more(&s))
        profile(l, "nc_empty", nc, "nameConstraints without a subtree", "RFC 5280 4.2.1.10");
    if (der_optional(&s, 0xa0, &list))
        lint_subtrees(l, &list);
    if (der_optional(&s, 0xa1, &list))
        lint_subtrees(l, &list);
}

/* ---- policies (4.2.1.4, .5, .11, .14) ---------------------------------------------------------------------------------- */

static bool policy_twice(const struct tw_cert *c)
{
    struct tw_view a, b;
    size_t pos = 0, n = 0;
    for (; n < 64 && tw_cert_policy_next(c, &pos, &a, NULL); n++) {
        size_t rest = pos;
        while (tw_cert_policy_next(c, &rest, &b, NULL))
            if (tw_view_eq(a, b))
                return true;
    }
    return false;
}

static void lint_mappings(struct lint *l)
{
    static const uint8_t any[] = {0x55, 0x1d, 0x20, 0x00};
    struct tw_view any_policy = tw_view_of(any, sizeof any);
    struct tw_reader list = der_open(l->c->policy_mappings, DER_SEQ, "policyMappings");
    while (tw_rd_more(&list)) {
        struct tw_reader m = der_next(&list, DER_SEQ, "PolicyMapping");
        struct tw_view from = der_bytes(&m, DER_OID, "issuerDomainPolicy");
        struct tw_view to = der_bytes(&m, DER_OID, "subjectDomainPolicy");
        if (tw_view_eq(from, any_policy) || tw_view_eq(to, any_policy))
            profile(l, "mapping_any", from, "policyMappings maps anyPolicy", "RFC 5280 4.2.1.5");
    }
    if (l->c->policy_mappings.len > 0 && !tw_cert_ext_critical(l->c, TW_CEXT_POLICY_MAPPINGS))
        advice(l, "mapping_not_critical", l->c->policy_mappings, "policyMappings is not critical",
               "RFC 5280 4.2.1.5");
}

static void lint_policies(struct lint *l)
{
    const struct tw_cert *c = l->c;
    struct tw_view none = lint_nowhere();
    if (c->policies.len > 0 && policy_twice(c))
        profile(l, "policy_duplicate", c->policies, "the same certificate policy twice",
                "RFC 5280 4.2.1.4");
    lint_mappings(l);
    if (tw_cert_has_ext(c, TW_CEXT_POLICY_CONSTRAINTS)) {
        if (!tw_cert_ext_critical(c, TW_CEXT_POLICY_CONSTRAINTS))
            profile(l, "policy_constraints_not_critical", c->policy_constraints,
                    "policyConstraints is not critical", "RFC 5280 4.2.1.11");
        if (c->require_explicit < 0 && c->inhibit_mapping < 0)
            profile(l, "policy_constraints_empty", c->policy_constraints,
                    "policyConstraints without content", "RFC 5280 4.2.1.11");
    }
    if (tw_cert_has_ext(c, TW_CEXT_INHIBIT_ANY) && !tw_cert_ext_critical(c, TW_CEXT_INHIBIT_ANY))
        profile(l, "inhibit_any_not_critical", none, "inhibitAnyPolicy is not critical",
                "RFC 5280 4.2.1.14");
}

/* ---- AIA, CRL points (4.2.1.13, .15, 4.2.2.1) ----------------------------------------------------------------------------- */

/* DistributionPoint: not reasons alone. */
static bool point_incomplete(const struct tw_cert *c)
{
    struct tw_reader list = der_open(c->crl_points, DER_SEQ, "cRLDistributionPoints");
    while (tw_rd_more(&list)) {
        struct tw_reader p = der_next(&list, DER_SEQ, "DistributionPoint"), in;
        bool name = der_optional(&p, 0xa0, &in);
        der_optional(&p, 0x81, &in);
        bool issuer = der_optional(&p, 0xa2, &in);
        if (!name && !issuer)
            return true;
    }
    return false;
}

static void lint_pointers(struct lint *l)
{
    const struct tw_cert *c = l->c;
    if (tw_cert_ext_critical(c, TW_CEXT_AIA))
        profile(l, "aia_critical", c->aia, "authorityInfoAccess is critical", "RFC 5280 4.2.2.1");
    if (tw_cert_ext_critical(c, TW_CEXT_FRESHEST_CRL))
        profile(l, "freshest_crl_critical", c->freshest_crl, "freshestCRL is critical",
                "RFC 5280 4.2.1.15");
    if (c->crl_points.len > 0 && point_incomplete(c))
        profile(l, "crl_point_incomplete", c->crl_points,
                "a distribution point with neither a name nor a CRL issuer", "RFC 5280 4.2.1.13");
    if (tw_cert_ext_critical(c, TW_CEXT_CRL_POINTS))
        advice(l, "crl_points_critical", c->crl_points, "cRLDistributionPoints is critical",
               "RFC 5280 4.2.1.13");
}

/* ---- public key (RFC 3279, RFC 4055, RFC 5480) ------------------------------------------------------------------------------- */

static void lint_rsa(struct lint *l, struct tw_reader *alg, struct tw_view key)
{
    struct tw_reader r = tw_rd_of(key);
    struct tw_reader seq = der_next(&r, DER_SEQ, "RSAPublicKey");
    struct tw_view n = der_bytes(&seq, DER_INT, "modulus"), e = der_bytes(&seq, DER_INT, "e");
    tw_rd_end(&seq, "RSAPublicKey");
    if (!tw_rd_ok(&seq) || !tw_rd_ok(&r) || !der_int_minimal(n) || !der_int_minimal(e)) {
        der(l, "rsa_key_malformed", key, "the RSA key is malformed", "RFC 8017 A.1.1");
        return;
    }
    if ((n.data[0] & 0x80) || (e.data[0] & 0x80))
        der(l, "rsa_key_negative", key, "the RSA key has a negative number", "RFC 8017 3.1");
    if (!(e.data[e.len - 1] & 1) || (e.len == 1 && e.data[0] < 3))
        der(l, "rsa_exponent", e, "the RSA exponent is even or below 3", "RFC 8017 3.1");
    if (der_peek(alg) != DER_NULL)
        profile(l, "rsa_parameters", key, "rsaEncryption without NULL parameters",
                "RFC 3279 2.3.1");
}

/* RFC 4055 5: NULL parameters with RSA; RFC 5758 3.2, RFC 8410 3: none with the others. */
static void lint_signature(struct lint *l)
{
    struct tw_reader alg = der_open(l->c->tbs_sig_alg, DER_SEQ, "signature");
    struct tw_view oid = der_bytes(&alg, DER_OID, "algorithm");
    bool pkcs1 = oid.len == 9 && memcmp(oid.data, "\x2a\x86\x48\x86\xf7\x0d\x01\x01", 8) == 0;
    bool pss = pkcs1 && oid.data[8] == 10;
    if (tw_rd_ok(&alg) && !pss && (pkcs1 ? der_peek(&alg) != DER_NULL : tw_rd_more(&alg)))
        profile(l, "signature_parameters", l->c->tbs_sig_alg,
                "the signature algorithm has the wrong parameters", "RFC 4055 5, RFC 5758 3.2");
}

static void lint_key(struct lint *l)
{
    struct tw_reader s = der_open(l->c->spki, DER_SEQ, "spki");
    struct tw_reader alg = der_next(&s, DER_SEQ, "algorithm");
    struct tw_view oid = der_bytes(&alg, DER_OID, "algorithm");
    struct tw_view bits = der_bytes(&s, DER_BITS, "subjectPublicKey");
    if (!tw_rd_ok(&s) || bits.len < 1)
        return;
    struct tw_view key = tw_view_sub(bits, 1, bits.len - 1);
    if (tw_view_eq(oid, tw_view_of("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9)))
        lint_rsa(l, &alg, key);
}

size_t tw_cert_faults(const struct tw_cert *c, enum tw_fault_class upto, bool is_leaf,
                      struct tw_cert_fault *out, size_t cap)
{
    struct lint l = {c, upto, is_leaf, out, 0, cap};
    if (!c->framed)
        return 0; /* what is left of it says nothing */
    lint_frame(&l);
    lint_extension_list(&l);
    lint_key(&l);
    if (upto >= TW_FAULT_PROFILE) {
        lint_times(&l);
        lint_signature(&l);
        lint_key_ids(&l);
        lint_ca(&l);
        lint_san(&l);
        lint_constraints(&l);
        lint_policies(&l);
        lint_pointers(&l);
    }
    if (upto >= TW_FAULT_WEBPKI)
        lint_webpki(&l);
    return l.n;
}
