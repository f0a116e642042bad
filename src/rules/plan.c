/*
 * Which trials to make next. A table of questions: each row has a condition on the case and the
 * trial that answers it, most telling first. A row whose trial was made is answered; what is left
 * and applies is the next round. Later rows look at what earlier trials showed.
 */
#include "rules/chain.h"

typedef bool question_fn(const struct tw_case *c);

/* ---- conditions --------------------------------------------------------------------------------- */

static bool refused(const struct tw_case *c)
{
    return tw_rejected_hello(c->base);
}

static bool silent_end(const struct tw_case *c)
{
    const struct tw_conn_view *b = c->base;
    if (b == NULL || tw_trace_setting(c->trace, "starttls") != NULL || b->peer_sent_bytes)
        return false;
    /* connected and reset before the ClientHello was out; through a proxy that is another matter */
    bool at_once = b->phase == TW_PHASE_TCP && b->end == TW_END_RST &&
                   tw_trace_setting(c->trace, "proxy") == NULL;
    return (b->phase == TW_PHASE_HELLO_SENT || at_once) &&
           (b->end == TW_END_FIN || b->end == TW_END_RST || b->end == TW_END_TIMEOUT);
}

/* The server said why, or something: an alert. */
static bool told(const struct tw_case *c)
{
    return refused(c) && !silent_end(c);
}

static bool silence(const struct tw_case *c)
{
    return silent_end(c) && c->base->end == TW_END_TIMEOUT;
}

/* Where silence or a hang-up is the answer, the single dimensions are asked for only when all of them
 * together help. */
static bool worth_single(const struct tw_case *c)
{
    const struct tw_conn_view *wide = tw_case_trial(c, "wide");
    return told(c) || (silent_end(c) && tw_case_passed(c, "wide") &&
                       (tw_outside_version(c, wide) || tw_outside_cipher(c, wide) ||
                        tw_outside_group(c, wide) || tw_outside_sigalg(c, wide)));
}

static struct tw_offer offer(const struct tw_case *c)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    return o;
}

static bool refused_with_sni(const struct tw_case *c)
{
    return refused(c) && offer(c).has_sni;
}

static bool is_name(const char *s)
{
    bool letter = false;
    for (; s != NULL && *s != '\0'; s++) {
        if (*s == ':')
            return false;
        letter = letter || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
    }
    return letter;
}

static bool bad_name_on_certificate(const struct tw_case *c)
{
    const struct tw_fact *f = NULL;
    while (c->base != NULL &&
           (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_PATH, NULL)) != NULL)
        if (strncmp(f->field, "name", 4) == 0 || strcmp(f->field, "self_signed_leaf") == 0)
            return true;
    return false;
}

static bool nameless(const struct tw_case *c)
{
    const char *name = tw_trace_setting(c->trace, "verify_name");
    return c->base != NULL && !offer(c).has_sni && is_name(name) &&
           (refused(c) || bad_name_on_certificate(c));
}

static bool refused_with_alpn(const struct tw_case *c)
{
    return worth_single(c) && offer(c).has_alpn;
}

static bool old_or_pinned(const struct tw_case *c)
{
    return refused(c) && offer(c).max_version < TW_TLS13;
}

static bool could_go_lower(const struct tw_case *c)
{
    return worth_single(c) && offer(c).min_version > TW_TLS10;
}

static bool one_key_type_only(const struct tw_case *c)
{
    struct tw_offer o = offer(c);
    bool rsa = false, ecdsa = false;
    for (size_t i = 0; i < o.ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(o.ciphers.v[i]);
        rsa = rsa || (s != NULL && s->auth == TW_AUTH_RSA);
        ecdsa = ecdsa || (s != NULL && s->auth == TW_AUTH_ECDSA);
    }
    return refused(c) && rsa != ecdsa;
}

static const struct tw_conn_view *passed_with_more_suites(const struct tw_case *c)
{
    return tw_case_passed(c, "ciphers-wide") ? tw_case_trial(c, "ciphers-wide")
           : tw_case_passed(c, "wide")       ? tw_case_trial(c, "wide")
                                             : NULL;
}

static bool narrower_explains(const struct tw_case *c)
{
    return tw_case_passed(c, "groups-wide") || tw_case_passed(c, "sigalgs-wide") ||
           tw_case_passed(c, "sni-absent") || tw_case_passed(c, "alpn-absent") ||
           (tw_case_passed(c, "versions-wide") && !tw_case_passed(c, "ciphers-wide")) ||
           tw_case_passed(c, "ciphers-other-auth");
}

static bool passed_with(const struct tw_case *c, enum tw_kx kx)
{
    const struct tw_conn_view *v = passed_with_more_suites(c);
    const struct tw_suite *s = v == NULL ? NULL : tw_suite_by_id(v->cipher);
    return s != NULL && s->kx == kx && !narrower_explains(c);
}

static bool passed_with_rsa_kx(const struct tw_case *c)
{
    return passed_with(c, TW_KX_RSA);
}

static bool passed_with_dhe(const struct tw_case *c)
{
    return passed_with(c, TW_KX_DHE);
}

static bool hopeless(const struct tw_case *c)
{
    return refused(c) && tw_nothing_passes(c) && c->base->alert != TW_ALERT_UNRECOGNIZED_NAME;
}

static bool hopeless_in_silence(const struct tw_case *c)
{
    const struct tw_conn_view *listen = tw_case_trial(c, "listen");
    return silent_end(c) && hopeless(c) && (listen == NULL || listen->end == TW_END_TIMEOUT);
}

static bool gave_up(const struct tw_case *c)
{
    return tw_gave_up_before_signing(c->base);
}

static bool hopeless_by_alert(const struct tw_case *c)
{
    return hopeless(c) && c->base->alert == TW_ALERT_HANDSHAKE_FAILURE;
}

/* The server hangs up on whoever connects: no ClientHello helps. */
static bool ends_unasked(const struct tw_case *c)
{
    const struct tw_conn_view *v = tw_case_trial(c, "listen");
    return v != NULL && (v->end == TW_END_FIN || v->end == TW_END_RST);
}

static bool hopeless_hello(const struct tw_case *c)
{
    return hopeless(c) && !ends_unasked(c);
}

/* SSL 3.0 and 2.0 servers answer with silence, a hang-up or a plain refusal; none says that it broke. */
static bool could_be_ancient(const struct tw_case *c)
{
    return hopeless_hello(c) && c->base->alert != TW_ALERT_INTERNAL_ERROR;
}

/* A server that only reads SSL 2.0 records answers something else with an error or a hang-up. */
static bool could_be_ssl2(const struct tw_case *c)
{
    return could_be_ancient(c) && !silence(c);
}

static bool told_and_hopeless(const struct tw_case *c)
{
    return told(c) && hopeless(c);
}

/* A small ClientHello passes where the baseline's does not: what about the large one is it? */
static bool small_passes(const struct tw_case *c)
{
    return refused(c) && tw_case_passed(c, "groups-classical");
}

/* Stalled later, with the server's certificate flight, or before anything came. */
static bool stalled(const struct tw_case *c)
{
    return c->base != NULL && !c->base->ok && c->base->end == TW_END_TIMEOUT &&
           c->base->peer_sent_bytes && c->base->phase < TW_PHASE_COMPLETE;
}

static bool name_matters(const struct tw_case *c)
{
    return silent_end(c) && offer(c).has_sni && tw_case_passed(c, "sni-absent");
}

static bool name_may_matter(const struct tw_case *c)
{
    return silent_end(c) && offer(c).has_sni && hopeless_hello(c);
}

static bool name_is_read(const struct tw_case *c)
{
    const struct tw_conn_view *v = tw_case_trial(c, "sni-other");
    return silent_end(c) && v != NULL && (v->phase >= TW_PHASE_SERVER_HELLO || v->alert >= 0);
}

static bool unexpected(const struct tw_case *c)
{
    return refused(c) && offer(c).max_version >= TW_TLS13 &&
           (c->base->alert == TW_ALERT_UNEXPECTED_MESSAGE ||
            c->base->alert == TW_ALERT_ILLEGAL_PARAMETER);
}

/* An old and simple ClientHello passes: is it the version, or one of the extensions? */
static bool simple_passes(const struct tw_case *c)
{
    return refused(c) && !tw_case_passed(c, "groups-classical") &&
           !tw_case_passed(c, "sni-absent") && tw_case_passed(c, "bare");
}

static bool extensions_matter(const struct tw_case *c)
{
    return tw_case_trial(c, "bare13") != NULL && tw_extensions_matter(c);
}

static bool has_bad_check(const struct tw_case *c, const char *field)
{
    const struct tw_fact *f = NULL;
    while (c->base != NULL &&
           (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_CHECK, field)) != NULL)
        if (f->num == 0)
            return true;
    return false;
}

static bool bad_signature(const struct tw_case *c)
{
    return has_bad_check(c, "certificate_verify") || has_bad_check(c, "server_key_exchange");
}

static bool internal_error(const struct tw_case *c)
{
    return c->base != NULL && c->base->alert == TW_ALERT_INTERNAL_ERROR;
}

static bool broke_under_way(const struct tw_case *c)
{
    const struct tw_conn_view *b = c->base;
    return b != NULL && !b->ok && b->phase >= TW_PHASE_SERVER_HELLO && b->end != TW_END_OPEN &&
           !(b->cert_request && !b->client_cert_sent) && b->local == NULL;
}

static bool corrupted(const struct tw_case *c)
{
    return has_bad_check(c, "record_mac") || has_bad_check(c, "finished");
}

/* A client certificate is wanted, the answer may come in HTTP, and HTTP/2 hid it. */
static bool asks_in_http2(const struct tw_case *c)
{
    const struct tw_conn_view *b = c->base;
    return b != NULL && b->ok && b->cert_request && !b->client_cert_sent && b->alpn != NULL &&
           strcmp(b->alpn, "h2") == 0 &&
           tw_trace_first(c->trace, b->conn, TW_FACT_FIELD, "http_status") == NULL;
}

/* ---- whose certificate is it? -------------------------------------------------------------------- */

static bool misnamed(const struct tw_case *c)
{
    return c->base != NULL && c->base->server_certs > 0 && offer(c).has_sni &&
           chain_misnamed(c, c->base->conn) != NULL;
}

/* The SNI that was sent is not the name that is verified. */
static bool misnamed_with_other_sni(const struct tw_case *c)
{
    const char *name = tw_trace_setting(c->trace, "verify_name");
    return misnamed(c) && is_name(name) && !tw_view_ieq(tw_view_str(name), c->server_name);
}

/* Nobody knows the issuer: one who makes certificates for any name sits in between. */
static bool unknown_issuer(const struct tw_case *c)
{
    if (c->base == NULL || !offer(c).has_sni)
        return false;
    const struct tw_fact *f = chain_untrusted(c, c->base->conn);
    const struct tw_fact *roots = tw_trace_first(c->trace, 0, TW_FACT_STORE, "anchors");
    return f != NULL && (roots == NULL || roots->num > 0);
}

/* ---- the table --------------------------------------------------------------------------------------- */

static const struct {
    question_fn *when;
    const char *trial;
} questions[] = {
    {tw_upgrade_unanswered, "tls-direct"},
    {tw_proxy_unanswered, "proxy-tls"},
    {silent_end, "listen"},
    {silent_end, "plain-http"},
    {refused, "wide"},
    {refused_with_sni, "sni-absent"},
    {nameless, "sni-host"},
    {silent_end, "groups-classical"},
    {silent_end, "bare"},
    {silence, "hello-mss"},
    {refused_with_alpn, "alpn-absent"},
    {old_or_pinned, "versions-modern"},
    {could_go_lower, "versions-wide"},
    {one_key_type_only, "ciphers-other-auth"},
    {worth_single, "ciphers-wide"},
    {worth_single, "groups-wide"},
    {worth_single, "sigalgs-wide"},
    {gave_up, "sigalgs-wide"},
    {unexpected, "session-id-empty"},
    {internal_error, "repeat"},
    {bad_signature, "repeat"},
    {bad_signature, "rsa-kx-only"},
    {corrupted, "repeat"},
    {broke_under_way, "repeat"},
    {tw_staple_missing, "repeat"}, /* nginx staples from the second request on */
    {stalled, "hello-mss"},
    {tw_staple_missing, "repeat"}, /* nginx staples from the second request on */
    {asks_in_http2, "alpn-http1"},
    {misnamed, "sni-other"},
    {misnamed_with_other_sni, "sni-host"},
    {misnamed, "sni-sibling"},
    {unknown_issuer, "sni-other"},
    /* what earlier trials showed */
    {passed_with_rsa_kx, "wide-no-rsa-kx"},
    {passed_with_dhe, "wide-no-dhe"},
    {small_passes, "hello-padded"},
    {small_passes, "hello-records"},
    {small_passes, "hello-split"},
    {name_matters, "sni-other"},
    {name_may_matter, "sni-other"},
    {name_is_read, "hello-records"},
    {name_is_read, "hello-split-name"},
    {hopeless_in_silence, "ask-postgres"},
    {hopeless_in_silence, "ask-ldap"},
    {hopeless_by_alert, "ciphers-rare"},
    {told_and_hopeless, "bare"},
    {could_be_ancient, "ssl3"},
    {could_be_ssl2, "ssl2"},
    {simple_passes, "groups-classical"},
    {simple_passes, "versions-legacy-max"},
    {simple_passes, "bare13"},
    {extensions_matter, "grease-absent"},
    {extensions_matter, "without-extended_master_secret"},
    {extensions_matter, "without-renegotiation_info"},
    {extensions_matter, "without-session_ticket"},
    {extensions_matter, "without-application_layer_protocol_negotiation"},
    {extensions_matter, "without-status_request"},
    {extensions_matter, "without-signed_certificate_timestamp"},
    {extensions_matter, "without-psk_key_exchange_modes"},
    {extensions_matter, "without-compress_certificate"},
    {extensions_matter, "without-encrypted_client_hello"},
};

/* Each other address of the name, once the baseline has failed at its own. */
static const struct tw_trial *address_trial(const struct tw_case *c, size_t place)
{
    char id[16];
    snprintf(id, sizeof id, "address-%zu", place);
    const struct tw_fact *f = NULL;
    size_t at = 0;
    while ((f = tw_trace_next(c->trace, f, 0, TW_FACT_DNS, NULL)) != NULL) {
        bool address = strcmp(f->field, "A") == 0 || strcmp(f->field, "AAAA") == 0;
        if (!address || ++at != place || f->text == NULL)
            continue;
        const char *used = c->base->address == NULL ? "" : c->base->address;
        size_t n = strlen(f->text);
        used += used[0] == '[';
        bool same = strncmp(used, f->text, n) == 0 && (used[n] == ':' || used[n] == ']');
        return same ? NULL : tw_trial_by_id(id);
    }
    return NULL;
}

static bool worth_other_addresses(const struct tw_diagnosis *d)
{
    const struct tw_conn_view *b = d->c.base;
    return b != NULL && b->phase >= TW_PHASE_TCP && d->outcome == TW_OUTCOME_FAIL &&
           !tw_upgrade_unanswered(&d->c) && !tw_proxy_unanswered(&d->c);
}

/* The bytes that came, or the answer to silence, tell what speaks there: no TLS trial helps. */
static bool not_tls(const struct tw_case *c)
{
    static const char *const plain[] = {"listen", "plain-http", "ask-postgres", "ask-ldap"};
    if (c->base == NULL || c->base->not_tls != NULL)
        return true;
    for (size_t i = 0; i < TW_ARRAY_LEN(plain); i++) {
        const struct tw_conn_view *v = tw_case_trial(c, plain[i]);
        if (v != NULL && v->not_tls != NULL)
            return true;
    }
    return false;
}

size_t tw_plan_next(const struct tw_diagnosis *d, size_t budget, const struct tw_trial **out,
                    size_t cap)
{
    size_t n = 0;
    for (size_t i = 1; i <= 6 && worth_other_addresses(d) && n < cap && n < budget; i++) {
        const struct tw_trial *t = address_trial(&d->c, i);
        if (t != NULL && tw_case_trial(&d->c, t->id) == NULL)
            out[n++] = t;
    }
    if (not_tls(&d->c))
        return n;
    for (size_t i = 0; i < TW_ARRAY_LEN(questions) && n < cap && n < budget; i++) {
        const struct tw_trial *t = tw_trial_by_id(questions[i].trial);
        bool chosen = tw_case_trial(&d->c, t->id) != NULL;
        for (size_t j = 0; j < n; j++)
            chosen = chosen || out[j] == t;
        if (!chosen && questions[i].when(&d->c))
            out[n++] = t;
    }
    return n;
}
