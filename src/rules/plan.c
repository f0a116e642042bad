/*
 * Which trials to make next. A table of questions: each row has a condition on the case and the
 * trial that answers it, most telling first. A row whose trial was made is answered; what is left
 * and applies is the next round. Later rows look at what earlier trials showed.
 */
#include "rules/rules_internal.h"

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
    return refused(c) && offer(c).has_alpn;
}

static bool old_or_pinned(const struct tw_case *c)
{
    return refused(c) && offer(c).max_version < TW_TLS13;
}

static bool could_go_lower(const struct tw_case *c)
{
    return refused(c) && offer(c).min_version > TW_TLS10;
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

/* Whom nothing at all could move to an answer, single changes will not either: they wait for wide. */
static bool refused_for_content(const struct tw_case *c)
{
    return refused(c) && (!silent_end(c) || tw_case_passed(c, "wide"));
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

static bool hopeless_by_alert(const struct tw_case *c)
{
    return hopeless(c) && c->base->alert == TW_ALERT_HANDSHAKE_FAILURE;
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
    {refused_with_alpn, "alpn-absent"},
    {old_or_pinned, "versions-modern"},
    {could_go_lower, "versions-wide"},
    {one_key_type_only, "ciphers-other-auth"},
    {refused_for_content, "ciphers-wide"},
    {refused_for_content, "groups-wide"},
    {refused_for_content, "sigalgs-wide"},
    {gave_up, "sigalgs-wide"},
    {internal_error, "repeat"},
    {bad_signature, "repeat"},
    {bad_signature, "rsa-kx-only"},
    {corrupted, "repeat"},
    {broke_under_way, "repeat"},
    {asks_in_http2, "alpn-http1"},
    /* what earlier trials showed */
    {passed_with_rsa_kx, "wide-no-rsa-kx"},
    {passed_with_dhe, "wide-no-dhe"},
    {hopeless_in_silence, "groups-classical"},
    {hopeless_in_silence, "ask-postgres"},
    {hopeless_in_silence, "ask-ldap"},
    {hopeless_by_alert, "ciphers-rare"},
    {hopeless, "ssl3"},
    {hopeless, "ssl2"},
};

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
    if (not_tls(&d->c))
        return 0;
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
