/* What the families of causes share: questions about a case that several of them ask. */
#ifndef TW_RULES_INTERNAL_H
#define TW_RULES_INTERNAL_H

#include "rules/rules.h"

void tw_case_build(struct tw_case *c, const struct tw_trace *t);
/** Label of the server's software by its own word ("nginx"); NULL when it says none we know. */
const char *tw_case_software(const struct tw_trace *t);

/** The ClientHello was sent and the server said no, or nothing, before a ServerHello. */
bool tw_rejected_hello(const struct tw_conn_view *v);
/** The server chose a suite and then gave up before it signed: Go and JSSE look for a signature
 *  algorithm that late. */
bool tw_gave_up_before_signing(const struct tw_conn_view *v);
/** "alert 40 handshake_failure", "a TCP reset", "silence" ... */
const char *tw_rejection_text(const struct tw_conn_view *v, char *buf, size_t cap);
/** Evidence from a trial: what was changed and whether it passed. Nothing if not made. */
void tw_finding_trial(struct tw_finding *f, const struct tw_case *c, const char *recipe);

/** What a connection's ClientHello offered, decoded from its bytes. */
struct tw_offer {
    bool known, has_sni, has_alpn, has_sigalgs, versions_implicit;
    struct tw_u16s versions, ciphers, groups, sigalgs;
    uint16_t min_version, max_version;   /* GREASE left out; 0 unknown */
};
void tw_offer_of(const struct tw_case *c, const struct tw_conn_view *v, struct tw_offer *o);
bool tw_offered(const struct tw_u16s *l, uint16_t v);

/**
 * The trial that widened one dimension and passed, or `wide` when several had to be widened and no
 * single one was enough. NULL when neither passed.
 */
const struct tw_conn_view *tw_widened(const struct tw_case *c, const char *single);
/** It passes at a version of the baseline's offer when something else is changed. */
bool tw_passes_as_versioned(const struct tw_case *c);
/** A value outside the baseline's offer was what made it pass. */
bool tw_outside_version(const struct tw_case *c, const struct tw_conn_view *v);
bool tw_outside_cipher(const struct tw_case *c, const struct tw_conn_view *v);
bool tw_outside_group(const struct tw_case *c, const struct tw_conn_view *v);
bool tw_outside_sigalg(const struct tw_case *c, const struct tw_conn_view *v);
/** Every trial with a ClientHello that was made failed, `wide` among them. */
bool tw_nothing_passes(const struct tw_case *c);

/** The baseline's certificate demands a stapled status (RFC 7633), and none came. */
bool tw_staple_missing(const struct tw_case *c);
/* intolerance.c */
/** It passes with hardly any extensions, and nothing else explains it. */
bool tw_extensions_matter(const struct tw_case *c);
/** One part of the ClientHello is what the refusal answers, and a cause of its own says which. */
bool tw_hello_part_draws_it(const struct tw_case *c);

/* upgrade.c: what was said before TLS */
/** Fills f when the peer answered in another protocol than STARTTLS or the proxy needs. */
bool tw_upgrade_not_spoken(const struct tw_case *c, struct tw_finding *f);
/** The dialogue of the baseline got no sensible answer: it may speak TLS from the first byte. */
bool tw_upgrade_unanswered(const struct tw_case *c);
/** The same of a proxy. */
bool tw_proxy_unanswered(const struct tw_case *c);
/** The server hung up without a word, and does not speak TLS either. */
bool tw_upgrade_dropped(const struct tw_case *c);

/** The baseline's certificate demands a stapled status (RFC 7633), and none came. */
bool tw_staple_missing(const struct tw_case *c);

/** Other clocks than ours, as far as the trace has them (clock.c). */
struct tw_clocks {
    bool set_by_hand;                       /* --at: our clock is not meant to be right */
    const struct tw_fact *ntp, *server;     /* NULL: not heard */
    int64_t ntp_diff, server_diff;          /* seconds; theirs minus ours */
    bool by_hello;                          /* server: from ServerHello, not from a Date header */
    const struct tw_fact *unsynchronised, *synchronised, *file_newer;  /* clues; NULL: none */
};
void tw_clocks_of(const struct tw_case *c, struct tw_clocks *k);
/** What they say where the certificates' dates fail. */
enum tw_clock_word { TW_CLOCK_NO_WORD, TW_CLOCK_OURS_RIGHT, TW_CLOCK_OURS_WRONG,
                     TW_CLOCK_DISAGREE /* the server's clock differs, and by it the dates are good */ };
enum tw_clock_word tw_clock_word(const struct tw_case *c, const struct tw_clocks *k);

/* passive.c, bystander.c: captures */
/** The facts are of a capture: nothing can be tried. base is not NULL then. */
bool tw_case_passive(const struct tw_case *c);
/** First alert of a side but close_notify, on the baseline; NULL none. */
const struct tw_fact *tw_case_alert(const struct tw_case *c, enum tw_side from);
/** TLS 1.3: an alert told by its size alone; NULL none. */
const struct tw_fact *tw_case_hidden_alert(const struct tw_case *c, enum tw_side from);
/** What a capture can say of a cause whose own block saw nothing. */
bool tw_second_look(const struct tw_rule *rule, const struct tw_case *c, struct tw_finding *f);
/** Takes certainty back that a bystander cannot have. */
void tw_temper(const struct tw_case *c, struct tw_finding *f);

#define TW_RULE(name) extern const struct tw_rule tw_rule_##name;
#include "rules/list.def"
#undef TW_RULE

/* clients.c */
/** Fills in d->clients when clients were tried. */
void tw_judge_clients(struct tw_diagnosis *d, struct tw_arena *arena);

#endif
