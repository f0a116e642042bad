/*
 * Causes: from a trace to findings. Pure functions; the same for every vantage.
 *
 * A cause is one block (struct tw_rule) in a family file and one line in list.def, most specific
 * first. What a rule cannot decide it says with a lower certainty and with the trials it wants.
 */
#ifndef TW_RULES_H
#define TW_RULES_H

#include "base/base.h"
#include "trace/trace.h"
#include "wire/wire.h"

enum tw_certainty { TW_POSSIBLE, TW_LIKELY, TW_PROVEN };
const char *tw_certainty_name(enum tw_certainty c);

enum { TW_MAX_EVIDENCE = 10, TW_MAX_FIX = 10, TW_MAX_LOOKALIKE = 8, TW_MAX_REFS = 6,
       TW_MAX_FINDINGS = 16, TW_MAX_CONNS = 64 };

struct tw_fix { const char *for_, *text, *snippet; };   /* snippet may be NULL */
struct tw_lookalike { const char *id, *tell; };

struct tw_case;
struct tw_finding;

/** The catalogue's entry for a cause: facts about the cause, and the function that sees it. */
struct tw_rule {
    const char *id;           /* "cert-expired": stable, users script on it */
    const char *title;
    const char *category;     /* certificate, protocol, network, server, client */
    enum tw_side side;        /* who usually has to change something */
    const char *explain;      /* plain prose, two to four sentences */
    const char *evidence;     /* what shows it, one sentence, for `tlswhy causes ID` */
    struct tw_fix fix[TW_MAX_FIX];
    struct tw_lookalike lookalikes[TW_MAX_LOOKALIKE];
    const char *refs[TW_MAX_REFS];
    /** Pure: reads the case, cites facts. True when the cause may be at work. NULL for a cause
     *  that only other vantages can show. */
    bool (*match)(const struct tw_case *c, struct tw_finding *f);
};

struct tw_evidence { const char *what, *value, *source; };

struct tw_finding {
    const struct tw_rule *rule;
    enum tw_certainty certainty;
    enum tw_side side;
    const char *summary;       /* one sentence with the concrete values */
    struct tw_evidence evidence[TW_MAX_EVIDENCE]; size_t evidence_n;
    struct tw_lookalike not_[TW_MAX_LOOKALIKE]; size_t not_n; /* look-alikes with what excludes or
                                                                 does not exclude them here */
    const char *failed_at;     /* contract word when the rule knows better than the phase; or NULL */
    const char *software;      /* seen at the server ("nginx"), or NULL; as in struct tw_case */
    bool next;                 /* does not fail this handshake, but will fail the next one: warning */
    bool files;                /* certificate files were read; there was no connection */
    struct tw_fix own_fix;     /* for just what was seen here; shown first. for_ NULL: none */
    bool passive;              /* of a capture: there are no trials to point at */
    struct tw_arena *arena;    /* for texts */
};

/** What rules read. Borrowed from the trace. */
struct tw_case {
    const struct tw_trace *trace;
    struct tw_conn_view conns[TW_MAX_CONNS]; size_t conns_n;
    const struct tw_conn_view *base;   /* the baseline handshake; NULL when no connection was tried */
    const char *host, *server_name;    /* server_name "" = no SNI was to be sent */
    int64_t wall_time, port;
    const char *software;              /* what the server says it is, as fixes name it; or NULL */
};

/** The trace is about certificate files: there was no handshake. */
bool tw_case_inspects(const struct tw_case *c);
/** Connection of a recipe, or NULL when it was not tried. */
const struct tw_conn_view *tw_case_trial(const struct tw_case *c, const char *recipe);
/** True when that trial was made and its handshake passed / was made and failed as the base. */
bool tw_case_passed(const struct tw_case *c, const char *recipe);
bool tw_case_failed(const struct tw_case *c, const char *recipe);
/** Evidence from values, printf style for value. source e.g. "trial 3, ServerHello"; NULL makes
 *  it from the fact. */
void tw_finding_cite(struct tw_finding *f, const char *what, const char *source,
                     const char *value_fmt, ...) TW_PRINTF(4, 5);
void tw_finding_fact(struct tw_finding *f, const char *what, const struct tw_fact *fact);
void tw_finding_not(struct tw_finding *f, const char *id, const char *because_fmt, ...)
    TW_PRINTF(3, 4);
void tw_finding_summary(struct tw_finding *f, const char *fmt, ...) TW_PRINTF(2, 3);

/** i-th fix of the cause, those for the software that was seen first; NULL past the end. */
const struct tw_fix *tw_finding_fix(const struct tw_finding *f, size_t i);
/** True for a fix that is for other server software than was seen, when one for that exists. */
bool tw_fix_is_beside(const struct tw_finding *f, const struct tw_fix *x);

enum tw_outcome { TW_OUTCOME_OK, TW_OUTCOME_FAIL, TW_OUTCOME_UNKNOWN };
const char *tw_outcome_name(enum tw_outcome o);

/** A message that was recognised in a pasted text. Borrows from the paste's diagnosis. */
struct tw_match {
    const char *text;          /* as it stands in the paste; long ones are cut */
    const char *stack;         /* "OpenSSL", "nginx" ... */
    const char *side;          /* whose view it is: "client", "server" or "either" */
    const char *note;          /* what it says in other words, or NULL */
    uint64_t offset;           /* bytes from the start of the paste */
    unsigned line, count;      /* of the first one, from 1; how often it was seen */
    bool beside;               /* does not count: a more specific message covers the same place,
                                  or it tells the speaker only */
};

/** What became of one real client; texts are borrowed from the arena of tw_judge(). */
struct tw_client_row {
    const char *client, *title;
    bool tried, works;         /* works: handshake and certificate were fine, in our trust store */
    uint16_t version, cipher, group; /* negotiated, as far as it came; 0 unknown */
    const char *cause;         /* id; NULL when it works, was not tried, or nobody can tell */
    const char *why;           /* one sentence; "" when it works or was not tried */
};

struct tw_diagnosis {
    struct tw_case c;
    enum tw_outcome outcome;
    const char *failed_at;                 /* contract word, or NULL */
    struct tw_finding causes[TW_MAX_FINDINGS]; size_t causes_n;   /* [0] is the root cause */
    struct tw_finding warnings[TW_MAX_FINDINGS]; size_t warnings_n;
    const struct tw_match *matches; size_t matches_n;             /* of explain; NULL otherwise */
    const struct tw_client_row *clients; size_t clients_n; /* all known ones; none without trials */
};

/**
 * Judges a trace. @param arena holds texts; findings borrow from it and from the trace.
 * Root cause: the finding with the highest certainty, among equals the earlier in list.def.
 */
enum tw_status tw_judge(const struct tw_trace *t, struct tw_arena *arena,
                        struct tw_diagnosis *out) TW_MUST_CHECK;

/** Catalogue: i-th rule in list order, NULL past the end; by id, NULL when unknown. */
const struct tw_rule *tw_rule_at(size_t i);
const struct tw_rule *tw_rule_by_id(const char *id);

/* ---- other standards' names (maps.c) ------------------------------------------------------------- */

enum { TW_MAP_STANDARDS = 5 };
/** What other standards call a cause; "" where one has no word for it. */
struct tw_map {
    const char *id;
    const char *name[TW_MAP_STANDARDS];
};
/** NULL when no standard has a name for it. */
const struct tw_map *tw_map_by_id(const char *id);
/** i-th row; NULL past the end. */
const struct tw_map *tw_map_at(size_t i);
/** Of a standard, 0 to TW_MAP_STANDARDS - 1: key in JSON ("nel"), and words for a person. */
const char *tw_map_key(size_t standard);
const char *tw_map_title(size_t standard);

/* ---- trials (trials.c, plan.c): what else to try ------------------------------------------------------ */

/** How a trial differs from the baseline on the transport. */
enum tw_transport { TW_TRANSPORT_TLS, TW_TRANSPORT_LISTEN /* send nothing, read a banner */,
                    TW_TRANSPORT_HTTP /* GET / HTTP/1.0 in the clear */,
                    TW_TRANSPORT_SSL2 /* SSL 2.0 ClientHello */,
                    TW_TRANSPORT_POSTGRES /* PostgreSQL's SSLRequest */,
                    TW_TRANSPORT_LDAP /* LDAP's StartTLS request */,
                    TW_TRANSPORT_TLS_DIRECT /* TLS without the upgrade that the target wants */,
                    TW_TRANSPORT_TLS_PROXY /* TLS to the proxy itself */ };

struct tw_trial {
    const char *id;        /* recipe id: "sni-absent" */
    const char *changed;   /* in words: "without server_name" */
    enum tw_transport transport;
    /** Changes the baseline's hello; NULL = nothing. Pure. */
    void (*apply)(struct tw_hello *h, const struct tw_case *c);
    /** How the ClientHello travels; zeros = in whatever TCP makes of one write. */
    struct {
        size_t first_segment;  /* send so many bytes, and the rest after delay_ms */
        unsigned delay_ms;
        int mss;               /* segments of at most so many bytes, both ways */
    } wire;
    /** Extensions to leave out (what the minimiser tries); borrowed as long as the trial. */
    const uint16_t *without; size_t without_n;
    /** Which address of the name: 0 = the one that the baseline used, else 1 + its place. */
    size_t address;
    /** Instead of the baseline's hello, that of a real client; NULL: none. */
    const struct tw_client_profile *client;
};
const struct tw_trial *tw_trial_at(size_t i);
const struct tw_trial *tw_trial_by_id(const char *id);

/**
 * Which trials to make next, most telling first: none when the case is decided. Pure; the driver
 * calls it after each round, runs what it gets side by side, and calls again.
 * @param budget connections that may still be made
 * @return number of trials put into out
 */
size_t tw_plan_next(const struct tw_diagnosis *d, size_t budget, const struct tw_trial **out,
                    size_t cap);

#endif
