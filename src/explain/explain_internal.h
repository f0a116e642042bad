/* What the files of this folder share: the generated tables, and the steps in their order. */
#ifndef TW_EXPLAIN_INTERNAL_H
#define TW_EXPLAIN_INTERNAL_H

#include "explain/explain.h"

/* ---- generated tables (errors/ through gen_tables.py) ---------------------------------------- */

/* Placeholders inside a compiled pattern; everything else is literal, folded as in fold.c. */
enum {
    TW_PAT_ANY = 1,      /* {*}: up to 240 characters of the same line */
    TW_PAT_WORD = 2,     /* {word}: no blank */
    TW_PAT_NUMBER = 3,   /* {n}: decimal or 0x hex, maybe negative */
    TW_PAT_REASON = 4,   /* {ossl}: reason or verify text or symbol of the OpenSSL family */
    TW_PAT_ALERT = 5,    /* {alert}: an alert's name in any spelling */
    TW_PAT_ALERT_NO = 6, /* {alert#}: an alert's number */
    TW_PAT_FAR = 7,      /* {**}: up to 600 characters, also of further lines */
    TW_PAT_START = 11,   /* ^ start of a line */
    TW_PAT_END = 12,     /* $ end of a line */
    TW_PAT_PACKED = 14   /* {packed}: OpenSSL's packed code, hex or decimal */
};

enum tw_row_side { TW_ROW_CLIENT, TW_ROW_SERVER, TW_ROW_EITHER };

struct tw_row {
    const char *pattern;
    const char *stack;
    const char *note;          /* or NULL */
    const uint8_t *causes;     /* indices into tw_explain_causes, 0xff ends */
    uint16_t literal;          /* how many literal characters: specificity */
    uint16_t anchor;           /* index of its anchor */
    uint8_t side;              /* enum tw_row_side */
    bool proves;               /* the text means exactly its one cause */
    bool vague;                /* counts only when nothing else in the paste names a cause */
    bool hint;                 /* no message: something that makes causes likelier or not */
    bool context;              /* tells stack and side only: no causes of its own */
    bool sends;                /* an alert in it was sent by the one who speaks */
};

struct tw_reason {
    const char *text;          /* folded: "wrong version number" */
    const char *symbol;        /* as it is written: "SSL_R_WRONG_VERSION_NUMBER" */
    const uint8_t *causes;
    uint16_t code;
    uint8_t lib;               /* number in OpenSSL, 0x80 | number in BoringSSL, 0xfe X509_V_ERR */
    int16_t alert;             /* number of the alert that it reports, -1 none */
    bool vague;                /* as in struct tw_row */
};

struct tw_alert_row {
    int number;
    const char *names;         /* spellings without blanks, each ended by a space */
    const uint8_t *by_server;  /* causes when the server sent it: the client received it */
    const uint8_t *by_client;
};

struct tw_cause_row {
    const char *id;
    uint8_t frequency;         /* 1 rare to 5 very common */
    const char *failed_at;
};

struct tw_anchor {
    const char *text;
    uint16_t first, count;     /* into tw_explain_anchor_rows */
};

extern const struct tw_row tw_explain_rows[];
extern const size_t tw_explain_rows_n;
extern const struct tw_reason tw_explain_reasons[];   /* sorted by text */
extern const size_t tw_explain_reasons_n;
extern const struct tw_alert_row tw_explain_alerts[];
extern const size_t tw_explain_alerts_n;
extern const struct tw_cause_row tw_explain_causes[];
extern const size_t tw_explain_causes_n;
extern const struct tw_anchor tw_explain_anchors[];
extern const size_t tw_explain_anchors_n;
extern const uint16_t tw_explain_anchor_rows[];
extern const size_t tw_explain_states;    /* of the automaton over all anchors; fits 16 bits */
enum { TW_CAUSE_END = 0xff };

/* ---- fold.c: a text in any dress becomes plain ----------------------------------------------- */

/** Reads one folded character at a time. All-zero with in set is a valid start. */
struct tw_fold {
    struct tw_view in;
    size_t pos;        /* next byte of in */
    size_t at;         /* where the character last given started */
    bool blank;        /* the last one given was a blank: further ones are skipped */
};
/**
 * Next character: lower case, quotes of all kinds as ', blanks as one ' ' or '\n', without colours
 * of a terminal, escapes of JSON and entities of HTML undone. -1 at the end.
 */
int tw_fold_next(struct tw_fold *f);

/* ---- automaton.c: where do anchors occur? ---------------------------------------------------- */

struct tw_automaton;
struct tw_automaton *tw_automaton_new(void);
void tw_automaton_free(struct tw_automaton *a);
/** A state, from 0; c is a folded character. */
uint32_t tw_automaton_step(const struct tw_automaton *a, uint32_t state, int c);
/** Anchors that end in this state: call with *link = state until it gives NULL. */
const struct tw_anchor *tw_automaton_hit(const struct tw_automaton *a, uint32_t *link);
/** True when some anchor ends in this state. */
bool tw_automaton_hits(const struct tw_automaton *a, uint32_t state);

/* ---- pattern.c: does the row's pattern match around an anchor? ------------------------------- */

struct tw_span {
    size_t start, end;        /* in the folded text that was handed in */
    const struct tw_reason *reason;
    int alert;                /* -1 none */
};
/**
 * @param anchor_end  where in text the row's anchor ends
 */
bool tw_row_match(const struct tw_row *row, struct tw_view text, size_t anchor_end,
                      struct tw_span *out);

/* ---- lookup.c: codes and names --------------------------------------------------------------- */

/** Longest reason text that starts at pos; NULL when none. *end: behind it. */
const struct tw_reason *tw_reason_at(struct tw_view text, size_t pos, size_t *end);
/** Packed code of OpenSSL 1.x, 3.x, LibreSSL or BoringSSL; NULL when unknown. */
const struct tw_reason *tw_reason_by_code(uint64_t code);
/** The alert in a packed code that has no name: reason 1000 + number of library SSL. -1 none. */
int tw_alert_by_code_packed(uint64_t code);
/** Alert by name in any spelling that starts at pos; -1 when none. */
int tw_alert_at(struct tw_view text, size_t pos, size_t *end);
const struct tw_alert_row *tw_alert_row_of(int number);

/* ---- target.c -------------------------------------------------------------------------------- */

/** A host that the paste names, for "what to run next". */
struct tw_paste_target {
    char host[256];     /* "" when none was found */
    unsigned port;      /* 0 when not said */
    char scheme[16];    /* "smtp" and the like when the text or the port says so; "" otherwise */
};

/** The peer that the paste is about: nearest to byte `near` wins. */
void tw_paste_find_target(struct tw_view text, size_t near, struct tw_paste_target *out);

/* ---- find.c, rank.c -------------------------------------------------------------------------- */

struct tw_hit {
    const struct tw_row *row;
    const struct tw_reason *reason;
    int alert;
    size_t offset, len;       /* in the paste */
    unsigned count;           /* how often the same message was seen */
    bool shadowed;            /* a more specific one covers the same text */
};
struct tw_hits {
    struct tw_hit hit[TW_EXPLAIN_MAX_MATCHES];
    size_t n;
    struct tw_hit hint[TW_EXPLAIN_MAX_MATCHES];
    size_t hints_n;
};
/** How much text had to be as it is: of two messages at a place the greater one is meant. */
size_t tw_hit_specificity(const struct tw_hit *h);
bool tw_hit_overlap(const struct tw_hit *a, const struct tw_hit *b);
void tw_explain_find(const struct tw_automaton *a, struct tw_view text, struct tw_hits *out);
/** Judges; fills causes, matches, outcome. */
enum tw_status tw_explain_rank(const struct tw_hits *h, struct tw_view text, struct tw_arena *arena,
                               struct tw_diagnosis *d) TW_MUST_CHECK;

#endif
