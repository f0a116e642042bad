/*
 * What a capture can say of causes that are otherwise shown by trials. Nobody can try anything
 * again here: the conclusion is drawn from the offer and the refusal alone, and is never more
 * than likely. Consulted only when the cause's own block saw nothing.
 */
#include "rules/rules_internal.h"

struct second_look {
    const char *id;
    bool (*match)(const struct tw_case *c, struct tw_finding *f);
};

static const struct tw_fact *refusal(const struct tw_case *c)
{
    return c->base->phase == TW_PHASE_HELLO_SENT ? tw_case_alert(c, TW_SERVER) : NULL;
}

static bool cite_refusal(const struct tw_case *c, struct tw_finding *f, enum tw_certainty how_sure)
{
    f->certainty = how_sure;
    f->failed_at = "server_hello";
    tw_finding_fact(f, "the server's answer to the ClientHello", refusal(c));
    return true;
}

/* ---- versions -------------------------------------------------------------------------------- */

static bool version_refused(const struct tw_case *c, struct tw_offer *o)
{
    const struct tw_fact *r = refusal(c);
    if (r == NULL || r->num != TW_ALERT_PROTOCOL_VERSION)
        return false;
    tw_offer_of(c, c->base, o);
    return o->known;
}

static void cite_versions(struct tw_finding *f, const struct tw_offer *o)
{
    char low[24], high[24];
    tw_version_label(o->min_version, low, sizeof low);
    tw_version_label(o->max_version, high, sizeof high);
    if (o->versions_implicit || o->min_version == o->max_version)
        tw_finding_cite(f, "the client offers", "ClientHello", "%s%s",
                        o->versions_implicit ? "at most " : "only ", high);
    else
        tw_finding_cite(f, "the client offers", "ClientHello", "%s to %s", low, high);
}

static bool client_too_old(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    if (!version_refused(c, &o) || o.max_version >= TW_TLS12)
        return false;
    cite_versions(f, &o);
    tw_finding_summary(
        f, "The client offers nothing newer than TLS 1.1, and the server refuses that.");
    return cite_refusal(c, f, TW_LIKELY);
}

static bool server_too_old(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    if (!version_refused(c, &o) || o.max_version < TW_TLS13 || o.min_version > TW_TLS12)
        return false;
    cite_versions(f, &o);
    tw_finding_summary(f, "The client offers current versions of TLS, and the server knows none of "
                          "them.");
    return cite_refusal(c, f, TW_LIKELY);
}

static bool no_common_version(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    if (!version_refused(c, &o) || o.max_version < TW_TLS12)
        return false;
    cite_versions(f, &o);
    tw_finding_summary(f, "The server supports none of the versions that the client offers.");
    bool narrow = o.max_version == TW_TLS12 || o.min_version == TW_TLS13;
    return cite_refusal(c, f, narrow ? TW_LIKELY : TW_POSSIBLE);
}

/* ---- nothing in common ----------------------------------------------------------------------- */

static bool no_common_cipher(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *r = refusal(c);
    struct tw_offer o;
    if (r == NULL ||
        (r->num != TW_ALERT_HANDSHAKE_FAILURE && r->num != TW_ALERT_INSUFFICIENT_SECURITY))
        return false;
    tw_offer_of(c, c->base, &o);
    tw_finding_cite(f, "the client offers", "ClientHello", "%zu suites, %zu groups", o.ciphers.n,
                    o.groups.n);
    tw_finding_not(f, "group-no-overlap", "not excluded: the alert is the same");
    tw_finding_not(f, "sigalg-no-overlap", "not excluded: the alert is the same");
    tw_finding_not(f, "cipher-cert-type-mismatch", "not excluded: the alert is the same");
    tw_finding_summary(f, "The server found nothing it can use in the client's offer: no common "
                          "suite, or no suite that goes with its certificate, group or signature.");
    return cite_refusal(c, f, r->num == TW_ALERT_INSUFFICIENT_SECURITY ? TW_LIKELY : TW_POSSIBLE);
}

static bool no_name_sent(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *r = refusal(c);
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    if (r == NULL || !o.known || o.has_sni ||
        (r->num != TW_ALERT_HANDSHAKE_FAILURE && r->num != TW_ALERT_UNRECOGNIZED_NAME))
        return false;
    tw_finding_cite(f, "server_name", "ClientHello", "not sent");
    tw_finding_summary(f,
                       "The client sent no server name, and the server refused its ClientHello.");
    return cite_refusal(c, f, r->num == TW_ALERT_UNRECOGNIZED_NAME ? TW_LIKELY : TW_POSSIBLE);
}

/* ---- bytes, keys, certificates of the client ------------------------------------------------- */

static bool mac_refused(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *a = tw_case_alert(c, TW_SERVER);
    if (a == NULL || a->num != TW_ALERT_BAD_RECORD_MAC)
        a = tw_case_alert(c, TW_CLIENT);
    if (a == NULL || a->num != TW_ALERT_BAD_RECORD_MAC)
        return false;
    f->certainty = TW_LIKELY;
    f->failed_at = "finished";
    f->side = TW_NETWORK;
    tw_finding_fact(f, "one side could not open a record", a);
    tw_finding_not(f, "key-mismatch", "not excluded: both sides may have computed different keys");
    tw_finding_summary(
        f,
        "The %s could not authenticate a record of the other side: it was changed on "
        "the way, or the two have different keys.",
        tw_side_name(a->from));
    return true;
}

static bool signature_refused(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *a = tw_case_alert(c, TW_CLIENT);
    if (a == NULL || a->num != TW_ALERT_DECRYPT_ERROR || c->base->phase < TW_PHASE_SERVER_HELLO)
        return false;
    f->certainty = TW_POSSIBLE;
    f->failed_at = "key_exchange";
    tw_finding_fact(f, "the client's word", a);
    tw_finding_not(f, "key-mismatch", "not excluded: a signature with another key looks the same");
    tw_finding_summary(f, "The client says that a signature or Finished of the server does not "
                          "verify.");
    return true;
}

/* An empty Certificate has 8 bytes, and a Finished 36 or 52; with type and tag 17 more. */
static bool sent_empty_certificate(const struct tw_case *c, uint64_t *size)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_RECORD, "protected")) != NULL) {
        if (f->from != TW_CLIENT || f->num != TW_CT_APP_DATA)
            continue;
        *size = f->len < 5 ? 0 : f->len - 5;
        return *size == 8 + 17 || *size == 8 + 36 + 17 || *size == 8 + 52 + 17;
    }
    return false;
}

static bool certificate_wanted(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *hidden = tw_case_hidden_alert(c, TW_SERVER);
    uint64_t size = 0;
    if (hidden == NULL)
        return false;
    bool empty = sent_empty_certificate(c, &size);
    f->certainty = empty ? TW_LIKELY : TW_POSSIBLE;
    f->failed_at = "client_auth";
    tw_finding_fact(f, "the server's only answer to the client's Finished", hidden);
    if (empty)
        tw_finding_cite(f, "the client's first protected record", "record",
                        "%llu bytes: a Certificate message without a certificate",
                        (unsigned long long)size);
    tw_finding_summary(f,
                       empty ? "The server asked for a client certificate, got none, and ended the "
                               "connection with an alert."
                             : "The server ended the connection with an alert right after the "
                               "client's Finished: it judged the client.");
    return true;
}

static const struct second_look looks[] = {
    {"sni-required", no_name_sent},
    {"version-client-too-old", client_too_old},
    {"version-server-too-old", server_too_old},
    {"version-no-overlap", no_common_version},
    {"cipher-no-overlap", no_common_cipher},
    {"bad-record-mac", mac_refused},
    {"handshake-signature-invalid", signature_refused},
    {"client-cert-required", certificate_wanted},
};

bool tw_second_look(const struct tw_rule *rule, const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_case_passive(c) || c->base->ok)
        return false;
    for (size_t i = 0; i < TW_ARRAY_LEN(looks); i++)
        if (strcmp(looks[i].id, rule->id) == 0)
            return looks[i].match(c, f);
    return false;
}

/* Of a client's trust store a bystander knows nothing: what this machine's says is a guess, unless
 * the client's own alert says the same. */
void tw_temper(const struct tw_case *c, struct tw_finding *f)
{
    static const char *const on_trust[] = {"self-signed-leaf", "chain-missing-intermediate",
                                           "untrusted-private-ca"};
    const struct tw_fact *alert = tw_case_passive(c) ? tw_case_alert(c, TW_CLIENT) : NULL;
    if (!tw_case_passive(c))
        return;
    for (size_t i = 0; i < TW_ARRAY_LEN(on_trust); i++) {
        if (strcmp(on_trust[i], f->rule->id) != 0)
            continue;
        bool said = alert != NULL && alert->num == TW_ALERT_UNKNOWN_CA;
        enum tw_certainty most = said ? TW_LIKELY : TW_POSSIBLE;
        if (f->certainty > most)
            f->certainty = most;
    }
}
