/* Causes about groups and signature algorithms. */
#include "rules/rules_internal.h"

/* Names of a list for a person, GREASE left out, cut with "..." */
static const char *names(const struct tw_u16s *l, const char *(*label)(uint16_t, char *, size_t),
                         char *buf, size_t cap)
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < l->n; i++) {
        char one[64];
        if (tw_is_grease(l->v[i]))
            continue;
        label(l->v[i], one, sizeof one);
        if (n + strlen(one) + 8 > cap) {
            snprintf(buf + n, cap - n, ", ...");
            break;
        }
        n += (size_t)snprintf(buf + n, cap - n, "%s%s", n > 0 ? ", " : "", one);
    }
    return buf;
}

/* ---- group-no-overlap -------------------------------------------------------------------------------- */

static bool match_group(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    const struct tw_conn_view *v = tw_widened(c, "groups-wide");
    uint16_t asked = 0;
    const struct tw_fact *refused = c->base == NULL ? NULL : c->base->local;
    if (refused != NULL && strcmp(refused->field, "group_not_offered") == 0)
        asked = (uint16_t)refused->num;
    bool flips = tw_rejected_hello(c->base) && v != NULL && tw_outside_group(c, v);
    if (!o.known || (!flips && asked == 0))
        return false;
    char list[200], label[64], how[96], source[48];
    uint16_t group = flips ? v->group : asked;
    tw_group_label(group, label, sizeof label);
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    tw_finding_cite(f, "groups offered", "trial 1, ClientHello", "%s",
                    names(&o.groups, tw_group_label, list, sizeof list));
    if (flips) {
        tw_finding_cite(f, "answer", "trial 1", "%s", tw_rejection_text(c->base, how, sizeof how));
        snprintf(source, sizeof source, "trial %u", v->conn);
        tw_finding_cite(f, v->changed, source, "passes with %s", label);
    } else {
        tw_finding_fact(f, "the server asks for", refused);
    }
    tw_finding_not(f, "cipher-no-overlap", "the suites offered are common; more groups help");
    tw_finding_summary(f, "No key-exchange group is common: offered %s, the server uses %s.", list,
                       label);
    return true;
}

const struct tw_rule tw_rule_group_no_overlap = {
    .id = "group-no-overlap",
    .title = "No common key-exchange group",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "Both sides need one curve or group for the key exchange. Their lists are disjoint, "
               "for example X25519 only against P-256 only, or a server with brainpool or "
               "post-quantum groups only. OpenSSL's servers call this \"no suitable key share\", or, "
               "below TLS 1.3, \"no shared cipher\".",
    .evidence = "The same ClientHello with more groups passes.",
    .fix = {{"nginx", "Enable the common groups.",
             "ssl_ecdh_curve X25519:prime256v1:secp384r1;"},
            {"HAProxy", "Enable the common groups.", "bind :443 ssl crt site.pem curves X25519:P-256"},
            {"openssl.cnf", "For everything that uses the system's OpenSSL.",
             "Groups = X25519:P-256:P-384"},
            {"client", "Offer X25519 and secp256r1.", NULL}},
    .lookalikes = {{"cipher-no-overlap", "more groups do not help, more suites do"},
                   {"hrr-failure", "the group is common, but HelloRetryRequest goes wrong"}},
    .refs = {"RFC 8446 §4.2.7", "RFC 8422 §5.1.1"},
    .match = match_group,
};

/* ---- sigalg-no-overlap ------------------------------------------------------------------------------------ */

static bool match_sigalg(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    const struct tw_conn_view *v = tw_widened(c, "sigalgs-wide");
    bool refused = tw_rejected_hello(c->base) || tw_gave_up_before_signing(c->base);
    if (!o.known || !o.has_sigalgs || !refused || v == NULL || !tw_outside_sigalg(c, v))
        return false;
    char list[240], label[64], how[96], source[48];
    tw_sigscheme_label(v->sigscheme, label, sizeof label);
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    tw_finding_cite(f, "signature algorithms offered", "trial 1, ClientHello", "%s",
                    names(&o.sigalgs, tw_sigscheme_label, list, sizeof list));
    tw_finding_cite(f, "answer", "trial 1", "%s", tw_rejection_text(c->base, how, sizeof how));
    snprintf(source, sizeof source, "trial %u", v->conn);
    tw_finding_cite(f, v->changed, source, "passes, signed with %s", label);
    tw_finding_not(f, "group-no-overlap", "more groups do not help");
    tw_finding_summary(f, "The server can sign only with %s, which was not offered.", label);
    return true;
}

const struct tw_rule tw_rule_sigalg_no_overlap = {
    .id = "sigalg-no-overlap",
    .title = "No common signature algorithm",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The client says which signatures it can verify; the server's key can make none of "
               "them: an Ed25519 key and a client without it, a server limited to SHA-1, a smart "
               "card without RSA-PSS, which TLS 1.3 needs.",
    .evidence = "The same ClientHello with all signature algorithms passes.",
    .fix = {{"server", "Use a certificate with a common key (ECDSA P-256 or RSA 2048), and allow "
                       "SHA-256.", NULL},
            {"OpenSSL client", "Offer more; SHA-1 only at security level 0, as a stop-gap.",
             "-sigalgs 'ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256'"},
            {"RHEL, Fedora", "As a stop-gap only.", "update-crypto-policies --set LEGACY"},
            {"Java client", "Offer more.", "-Djdk.tls.client.SignatureSchemes=..."}},
    .lookalikes = {{"cert-key-type-unsupported", "no client of that kind offers the key's type"},
                   {"weak-signature", "the certificate's signature, not the handshake's"},
                   {"group-no-overlap", "more groups help, more signature algorithms do not"}},
    .refs = {"RFC 8446 §4.2.3", "RFC 5246 §7.4.1.4.1"},
    .match = match_sigalg,
};
