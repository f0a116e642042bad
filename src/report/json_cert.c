/* Certificates and paths in the JSON object. */
#include "report/json_cert.h"

#include "x509/x509.h"

enum { MAX_PATHS = 16 };

static void hex(struct json *j, const char *key, struct tw_view v)
{
    char text[130];
    size_t n = 0;
    for (size_t i = 0; i < v.len && n + 3 < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", v.data[i]);
    text[n] = '\0';
    json_str(j, key, v.len == 0 ? NULL : text);
}

static void names(struct json *j, const struct tw_cert *c)
{
    char text[512];
    struct tw_view value;
    size_t pos = 0;
    unsigned tag;
    json_open(j, "san", '[');
    for (size_t i = 0; i < 1000 && tw_general_name_next(c->san, &pos, &tag, &value); i++)
        json_str(j, NULL, tw_san_text((enum tw_san_type)tag, value, text, sizeof text));
    json_close(j, ']');
}

static void key_facts(struct json *j, const struct tw_cert *c)
{
    struct tw_key_info key;
    char text[96];
    tw_cert_key_info(c, &key);
    json_open(j, "key", '{');
    json_str(j, "type", tw_key_type_name(key.type));
    json_int(j, "bits", key.bits);
    json_str(j, "curve", key.group == 0 ? NULL : tw_group_label(key.group, text, sizeof text));
    json_int(j, "strength", tw_key_strength(&key));
    json_close(j, '}');
    json_str(j, "signature_algorithm", tw_cert_sig_name(c, text, sizeof text));
    json_int(j, "signature_strength", tw_cert_sig_strength(c));
}

static void usages(struct json *j, const struct tw_cert *c)
{
    static const char *const bits[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
                                       "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign",
                                       "encipherOnly", "decipherOnly"};
    char text[128];
    struct tw_view oid;
    size_t pos = 0;
    json_open(j, "key_usage", '[');
    for (size_t i = 0; i < TW_ARRAY_LEN(bits); i++)
        if (c->key_usage >> i & 1)
            json_str(j, NULL, bits[i]);
    json_close(j, ']');
    json_open(j, "ext_key_usage", '[');
    for (size_t i = 0; i < 64 && tw_cert_eku_next(c, &pos, &oid); i++) {
        const struct tw_oid *o = tw_oid_by_der(oid);
        json_str(j, NULL, o != NULL ? o->name : tw_oid_dotted(oid, text, sizeof text));
    }
    json_close(j, ']');
}

static void urls(struct json *j, const struct tw_cert *c)
{
    struct tw_view v;
    size_t pos = 0;
    json_open(j, "ocsp", '[');
    for (size_t i = 0; i < 16 && tw_cert_aia_next(c, &pos, true, &v); i++)
        json_bytes(j, NULL, v);
    json_close(j, ']');
    json_open(j, "ca_issuers", '[');
    pos = 0;
    for (size_t i = 0; i < 16 && tw_cert_aia_next(c, &pos, false, &v); i++)
        json_bytes(j, NULL, v);
    json_close(j, ']');
    json_open(j, "crl", '[');
    pos = 0;
    for (size_t i = 0; i < 16 && tw_cert_crl_url_next(c, &pos, &v); i++)
        json_bytes(j, NULL, v);
    json_close(j, ']');
}

static void extensions(struct json *j, const struct tw_cert *c)
{
    struct tw_cert_extension e;
    char text[128];
    json_open(j, "extensions", '[');
    for (size_t i = 0; i < 64 && tw_cert_ext_at(c, i, &e); i++) {
        const struct tw_oid *o = tw_oid_by_der(e.oid);
        json_open(j, NULL, '{');
        json_str(j, "oid", tw_oid_dotted(e.oid, text, sizeof text));
        json_str(j, "name", o == NULL ? NULL : o->name);
        json_bool(j, "critical", e.critical);
        json_int(j, "bytes", (int64_t)e.value.len);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static const char *class_name(enum tw_fault_class k)
{
    static const char *const class_names[] = {"malformed", "profile", "webpki", "advice"};
    return class_names[k];
}

static void faults(struct json *j, const struct tw_cert *c, bool is_leaf)
{
    struct tw_cert_fault list[32];
    size_t n = tw_cert_faults(c, TW_FAULT_ADVICE, is_leaf, list, TW_ARRAY_LEN(list));
    json_open(j, "faults", '[');
    if (c->fail_field != NULL) {
        json_open(j, NULL, '{');
        json_str(j, "id", "grammar");
        json_str(j, "class", class_name(TW_FAULT_DER));
        json_str(j, "text", c->fail_field);
        json_int(j, "at", (int64_t)c->fail_at);
        json_str(j, "source", "X.690");
        json_close(j, '}');
    }
    for (size_t i = 0; i < n; i++) {
        json_open(j, NULL, '{');
        json_str(j, "id", list[i].id);
        json_str(j, "class", class_name(list[i].class_));
        json_str(j, "text", list[i].text);
        json_int(j, "at", (int64_t)list[i].at);
        json_str(j, "source", list[i].source);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static int64_t sct_count(const struct tw_cert *c)
{
    size_t pos = 0;
    int64_t n = 0;
    struct tw_view sct;
    while (n < 1000 && tw_cert_sct_next(c, &pos, &sct))
        n++;
    return n;
}

void json_certificate(struct json *j, const struct tw_fact *f)
{
    struct tw_cert c;
    char text[512];
    bool good = tw_cert_parse(f->data, &c);
    json_open(j, NULL, '{');
    json_int(j, "place", f->num);
    json_str(j, "subject", tw_dn_text(c.subject, text, sizeof text));
    json_str(j, "issuer", tw_dn_text(c.issuer, text, sizeof text));
    json_int(j, "version", c.version);
    hex(j, "serial", c.serial);
    json_str(j, "not_before", tw_time_text(c.not_before, text, sizeof text));
    json_str(j, "not_after", tw_time_text(c.not_after, text, sizeof text));
    names(j, &c);
    key_facts(j, &c);
    usages(j, &c);
    hex(j, "subject_key_id", c.ski);
    hex(j, "authority_key_id", c.aki_keyid);
    urls(j, &c);
    json_int(j, "scts", sct_count(&c));
    json_bool(j, "must_staple", c.must_staple);
    json_bool(j, "is_ca", c.is_ca);
    if (c.path_len >= 0)
        json_int(j, "path_len", c.path_len);
    else
        json_null(j, "path_len");
    json_bool(j, "self_issued", c.self_issued);
    extensions(j, &c);
    json_bool(j, "well_formed", good);
    faults(j, &c, f->num == 0);
    json_int(j, "bytes", (int64_t)f->data.len);
    json_close(j, '}');
}

/* ---- paths ------------------------------------------------------------------------------------------- */

static void path_cert(struct json *j, const struct tw_fact *f)
{
    static const char *const origins[] = {"sent", "store", "extra"};
    struct tw_cert c;
    char text[512];
    tw_cert_parse(f->data, &c);
    json_open(j, NULL, '{');
    json_str(j, "from", f->aux >= 0 && f->aux <= 2 ? origins[f->aux] : "sent");
    json_str(j, "subject", tw_dn_text(c.subject, text, sizeof text));
    json_str(j, "issuer", tw_dn_text(c.issuer, text, sizeof text));
    json_str(j, "not_after", tw_time_text(c.not_after, text, sizeof text));
    json_close(j, '}');
}

static void path_problem(struct json *j, const struct tw_fact *f)
{
    json_open(j, NULL, '{');
    json_str(j, "problem", f->field);
    if (f->data.len > 0)
        json_bytes(j, "rule", f->data);
    else
        json_null(j, "rule");
    json_int(j, "certificate", (int64_t)f->len);
    json_int(j, "place", f->aux);
    json_str(j, "text", f->text);
    json_str(j, "source", f->source);
    json_close(j, '}');
}

static bool is_anchored(const char *problem)
{
    static const char *const open_ended[] = {"no_certificate", "self_signed_leaf", "unknown_root",
                                             "missing_issuer", "no_anchors"};
    for (size_t i = 0; i < TW_ARRAY_LEN(open_ended); i++)
        if (strcmp(problem, open_ended[i]) == 0)
            return false;
    return true;
}

/* One path: facts of these kinds with this number. */
static bool one_path(struct json *j, const struct tw_trace *t, uint32_t conn, uint64_t number)
{
    enum tw_fact_kind problems = number == 0 ? TW_FACT_PATH : TW_FACT_ALT_PATH;
    enum tw_fact_kind certs = number == 0 ? TW_FACT_PATH_CERT : TW_FACT_ALT_PATH_CERT;
    const struct tw_fact *f = NULL;
    bool any = false, valid = true, anchored = true;
    while ((f = tw_trace_next(t, f, conn, certs, NULL)) != NULL)
        any = any || f->off == number;
    if (!any)
        return false;
    json_open(j, NULL, '{');
    json_open(j, "certificates", '[');
    while ((f = tw_trace_next(t, f, conn, certs, NULL)) != NULL)
        if (f->off == number)
            path_cert(j, f);
    json_close(j, ']');
    json_open(j, "problems", '[');
    while ((f = tw_trace_next(t, f, conn, problems, NULL)) != NULL)
        if (f->off == number && f->num != TW_PATH_OK) {
            valid = false;
            anchored = anchored && is_anchored(f->field);
            path_problem(j, f);
        }
    json_close(j, ']');
    json_bool(j, "anchored", anchored);
    json_bool(j, "valid", valid);
    json_close(j, '}');
    return true;
}

void json_paths(struct json *j, const struct tw_trace *t)
{
    const struct tw_fact *first = tw_trace_first(t, 0, TW_FACT_PATH, NULL), *f = NULL;
    uint32_t conn = first == NULL ? 0 : first->conn;
    json_open(j, "paths", '[');
    for (uint64_t i = 0; conn != 0 && i < MAX_PATHS && one_path(j, t, conn, i); i++)
        continue;
    json_close(j, ']');
    json_open(j, "chain_notes", '[');
    while (conn != 0 && (f = tw_trace_next(t, f, conn, TW_FACT_CHAIN, NULL)) != NULL) {
        json_open(j, NULL, '{');
        json_str(j, "note", f->field);
        json_int(j, "place", f->aux);
        json_str(j, "text", f->text);
        json_close(j, '}');
    }
    json_close(j, ']');
}
