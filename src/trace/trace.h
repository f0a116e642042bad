/*
 * The trace: an append-only list of facts about one diagnosis. Every vantage writes it, the
 * rules read it, reports show it. It saves and loads as JSON lines, so a diagnosis can be
 * replayed without the network.
 *
 * Facts name what was seen; they never judge. A trace may hold several connections (trials);
 * each fact says to which it belongs. Everything a fact points to lives in the trace's arena.
 */
#ifndef TW_TRACE_H
#define TW_TRACE_H

#include "base/base.h"

enum tw_side { TW_NOBODY, TW_CLIENT, TW_SERVER, TW_NETWORK, TW_CA };
/** "client", "server", "network", "ca", "nobody". */
const char *tw_side_name(enum tw_side s);

/*
 * X(id, name in the file, what the members mean). Members not named are zero.
 * from: who did it. num, aux: numbers. field: name in the words of the RFC. text, data: value.
 */
#define TW_FACT_LIST(X)                                                                            \
    /* about the diagnosis (conn 0) */                                                             \
    X(TW_FACT_SETTING, "setting", "field = input, host, port, server_name, verify_name, scheme, "  \
                                  "wall_time (unix s in num), policy, timeout_ms; num or text")    \
    X(TW_FACT_DNS, "dns", "field = A or AAAA or error or canonical; text = address or reason, "    \
                          "num = resolver status")                                                 \
    X(TW_FACT_LIMIT, "limit", "a stated limit ended something; field = which, text = what")        \
    /* about a connection */                                                                       \
    X(TW_FACT_TRIAL, "trial", "field = recipe id, text = what was changed, in words")              \
    X(TW_FACT_TCP, "tcp", "field = connect; text = address:port, num = errno (0 connected), "      \
                          "aux = 1 when the deadline ended it; field = info: what the "  \
                          "kernel knew at the end, num = segments not acknowledged, aux = "        \
                          "segments sent again, text in words")                                    \
    X(TW_FACT_DIALOGUE, "dialogue", "what was said before TLS; from; field = protocol, greeting, " \
                                    "capabilities, request, answer, result (num = enum "           \
                                    "tw_dialogue_state, data = its name); num = code, text")       \
    X(TW_FACT_END, "end", "field = fin, rst, timeout, stopped (by us), error; from = who, "        \
                          "num = errno, text = waiting for what")                                  \
    X(TW_FACT_NOT_TLS, "not_tls", "from; data = first bytes (<= 512) that are no TLS record")      \
    X(TW_FACT_RECORD, "record", "from; num = content type, aux = version, off/len in the stream; " \
                                "field = plain or protected")                                      \
    X(TW_FACT_MESSAGE, "message", "from; msg = handshake type, data = body, aux = version of the " \
                                  "protocol used to read it; field = plain or protected")          \
    X(TW_FACT_CCS, "change_cipher_spec", "from")                                                   \
    X(TW_FACT_ALERT, "alert", "from; num = description, aux = level; field = plain or protected")  \
    X(TW_FACT_FIELD, "field", "from; msg, field; num or data or text: a decoded value")            \
    X(TW_FACT_MALFORMED, "malformed", "from; msg, field that failed, off in the message, text")    \
    X(TW_FACT_UNEXPECTED, "unexpected", "from; msg out of order; text = what was allowed")         \
    X(TW_FACT_CERTIFICATE, "certificate", "from; num = place in the chain as sent, data = DER")    \
    X(TW_FACT_NEGOTIATED, "negotiated", "field = version, cipher, group, signature, alpn, "        \
                                        "resumed, client_auth, compression; num, text = name")     \
    X(TW_FACT_CHECK, "check", "field = certificate_verify, server_key_exchange, finished, "        \
                              "record_mac, psk_binder, dh_prime ...; num = 1 good, 0 bad; text")   \
    X(TW_FACT_COMPLETE, "complete", "from = whose view: both Finished seen and verified")          \
    X(TW_FACT_APP_DATA, "app_data", "from; num = bytes, data = the first 1024 of them")            \
    X(TW_FACT_LOCAL, "local", "our side could not or would not go on; field = what, text = why, "  \
                              "num = alert we sent, or -1")                                        \
    X(TW_FACT_SECRET, "secret", "field = SSLKEYLOGFILE label, data = client random, text = hex")   \
    /* judgement on certificates, made where the trust store is (x509) */                          \
    X(TW_FACT_PATH, "path", "field = validity, trust, name, signature ...; num = enum "            \
                            "tw_path_problem, aux = place in the chain (-1: from the store), "     \
                            "len = step in the path, text = detail, data = id of the rule broken") \
    X(TW_FACT_PATH_CERT, "path_cert", "num = place in the best path, aux = 1 when from the "       \
                                      "store, 2 when at hand but not sent, data = DER")            \
    X(TW_FACT_ALT_PATH, "alt_path", "as path, of another path; off = its number from 1, len = "    \
                                    "step in it")                                                  \
    X(TW_FACT_ALT_PATH_CERT, "alt_path_cert", "as path_cert, of another path; off = its number")   \
    X(TW_FACT_PATH_ADVICE, "path_advice", "as path: what stricter clients than ours refuse")       \
    X(TW_FACT_CHAIN, "chain", "field = kind of note on the chain as sent, num = enum "             \
                              "tw_chain_note_kind, aux = place, text = detail")                     \
    X(TW_FACT_STORE, "store", "a trust store, aux = its number (0 judges): field = anchors (num = " \
                              "how many, text = label), unreadable, damaged, empty, missing (text " \
                              "= which and why), newest_root (num = its notBefore, text = name); " \
                              "with a connection: trusted or not_trusted (text = label, num = "   \
                              "enum tw_path_problem); source = kind of store (system, java ...)")  \
    /* revocation, CT, clocks, DANE: seen on the wire, fetched, or computed from it */             \
    X(TW_FACT_FETCH, "fetch", "field = ocsp, crl, ca_issuers, sntp; text = URL or address, num = " \
                              "HTTP status (0 none), aux = enum tw_fetch_end, off = place in the " \
                              "path, data = body (<= 65536 bytes, else empty)")                    \
    X(TW_FACT_REVOCATION, "revocation", "field = staple, ocsp, crl; num = enum tw_revocation, "    \
                                        "aux = place in the path, off = why (enum tw_ocsp_why, "   \
                                        "tw_crl_why), text = detail, data = OCSP response")        \
    X(TW_FACT_SCT, "sct", "field = embedded, ocsp, tls; num = enum tw_sct_state, aux = its time "  \
                          "(ms), text = log, data = log id")                                       \
    X(TW_FACT_CT, "ct", "field = browser; num = 1 when its policy is satisfied, aux = timestamps " \
                        "that count, off = needed, text = what is missing")                        \
    X(TW_FACT_CLOCK, "clock", "field = http_date, server_hello, sntp: another clock's unix s in "  \
                              "num, ours at that moment in aux; unsynchronised, file_newer: a "    \
                              "clue, num = seconds, text")                                         \
    X(TW_FACT_TLSA, "tlsa", "field = answer (num = DNS status, aux = AD bit, text = name) or "     \
                            "record (num = usage << 16 | selector << 8 | matching type, aux = 1 "  \
                            "matches, 0 not, -1 not usable, text, data = association data)")

enum tw_fact_kind {
#define X(id, name, doc) id,
    TW_FACT_LIST(X)
#undef X
    TW_FACT_KINDS
};
const char *tw_fact_kind_name(enum tw_fact_kind k);

struct tw_fact {
    uint32_t n;      /* position in the trace, from 0; given by tw_trace_add() */
    uint32_t conn;   /* connection, from 1; 0 = about the whole diagnosis */
    uint64_t at;     /* nanoseconds since the start of the trace */
    enum tw_fact_kind kind;
    enum tw_side from;
    uint8_t msg;     /* handshake message type; TW_NO_MSG when none. Outside MESSAGE, FIELD,
                        MALFORMED and UNEXPECTED a 0 handed to tw_trace_add() means none too */
    bool protected_; /* was under encryption on the wire */
    uint64_t off, len; /* byte range: in from's stream, or (FIELD, MALFORMED) in the message body */
    int64_t num, aux;
    const char *field;  /* never NULL in a stored fact ("" when none) */
    const char *text;   /* NULL when none */
    struct tw_view data;
    const char *source; /* "RFC 8446 4.1.3", or NULL */
};
enum { TW_NO_MSG = 255 };

/** How a download ended (aux of FETCH). */
enum tw_fetch_end { TW_FETCH_OK, TW_FETCH_DNS, TW_FETCH_CONNECT, TW_FETCH_TIMEOUT, TW_FETCH_BROKEN,
                    TW_FETCH_TOO_LARGE, TW_FETCH_REDIRECTS, TW_FETCH_NOT_HTTP, TW_FETCH_STATUS,
                    TW_FETCH_NOT_TRIED };
/** In words, static: "the name does not resolve" ... */
const char *tw_fetch_end_text(enum tw_fetch_end e);
/** Revocation status (num of REVOCATION). */
enum tw_revocation { TW_REV_UNDECIDED, TW_REV_GOOD, TW_REV_REVOKED, TW_REV_UNKNOWN };

struct tw_trace;

/** @param max_bytes limit of memory for facts and what they hold; reached => one LIMIT fact */
struct tw_trace *tw_trace_new(size_t max_bytes);
void tw_trace_free(struct tw_trace *t);
struct tw_arena *tw_trace_arena(struct tw_trace *t);

/**
 * Append a fact; field, text, data and source are copied into the trace's arena (static strings
 * may be passed, they are copied too unless identical to the last one).
 * @return the stored fact (stable address), or NULL when memory or the limit is used up; the
 *         trace then says so itself (a LIMIT fact, field "trace", always the last one) and
 *         callers need not handle it.
 */
const struct tw_fact *tw_trace_add(struct tw_trace *t, struct tw_fact f);

size_t tw_trace_count(const struct tw_trace *t);
const struct tw_fact *tw_trace_at(const struct tw_trace *t, size_t n);
/** True when a fact was dropped for lack of room. */
bool tw_trace_overflowed(const struct tw_trace *t);

/* Queries. conn 0 = any connection; field NULL = any. Results borrow from the trace. */
const struct tw_fact *tw_trace_first(const struct tw_trace *t, uint32_t conn,
                                     enum tw_fact_kind kind, const char *field);
const struct tw_fact *tw_trace_last(const struct tw_trace *t, uint32_t conn,
                                    enum tw_fact_kind kind, const char *field);
/** Next fact after `after` (NULL: from the start) that matches. */
const struct tw_fact *tw_trace_next(const struct tw_trace *t, const struct tw_fact *after,
                                    uint32_t conn, enum tw_fact_kind kind, const char *field);
/** Setting of the diagnosis, the last one written; text or NULL / num or the given default. */
const char *tw_trace_setting(const struct tw_trace *t, const char *field);
int64_t tw_trace_setting_num(const struct tw_trace *t, const char *field, int64_t otherwise);
/** Message of a type from a side on a connection (the first), or NULL. */
const struct tw_fact *tw_trace_message(const struct tw_trace *t, uint32_t conn, enum tw_side from,
                                       uint8_t msg);

/* JSON lines: one fact a line, {"n":0,"conn":1,"at_us":12.345,"kind":"message",...}; binary as
 * hex. Members with their zero value are left out. The first line is a header
 * {"tlswhy_trace":1}. */
enum tw_status tw_trace_save(const struct tw_trace *t, struct tw_buf *out) TW_MUST_CHECK;
/**
 * Appends the facts of a saved trace. Their n is given anew.
 *
 * @param line_out line number at fault (1..), reason_out static text; both whenever
 *        the result is not TW_OK
 * @return TW_OK; TW_E_INPUT: not a trace, or a kind or member that this version does not know;
 *         TW_E_LIMIT: more than the trace or this format may hold; TW_E_NOMEM
 */
enum tw_status tw_trace_load(struct tw_trace *t, struct tw_view in, size_t *line_out,
                             const char **reason_out) TW_MUST_CHECK;

/* ---- one connection in short --------------------------------------------------------------- */

/** How far a connection got; each value means that this step was completed. */
enum tw_phase {
    TW_PHASE_NONE,      /* nothing, not even TCP */
    TW_PHASE_TCP,       /* connected */
    TW_PHASE_HELLO_SENT,  /* ClientHello is out */
    TW_PHASE_SERVER_HELLO,
    TW_PHASE_CERTIFICATE, /* server's Certificate read */
    TW_PHASE_KEY_EXCHANGE, /* ServerHelloDone, or CertificateVerify in TLS 1.3 */
    TW_PHASE_SERVER_FINISHED, /* TLS 1.3: verified the server's Finished */
    TW_PHASE_COMPLETE,  /* both Finished verified as far as the client can see */
    TW_PHASE_CONFIRMED  /* application data, ticket or other proof that the server went on */
};
const char *tw_phase_name(enum tw_phase p); /* the contract's failed_at word for the NEXT step */

enum tw_end { TW_END_OPEN, TW_END_REFUSED, TW_END_UNREACHABLE, TW_END_CONNECT_TIMEOUT,
              TW_END_TIMEOUT, TW_END_FIN, TW_END_RST, TW_END_ALERT, TW_END_NOT_TLS, TW_END_LOCAL,
              TW_END_STOPPED, TW_END_OK };

struct tw_conn_view {
    uint32_t conn;
    const char *recipe;         /* TRIAL field: "baseline", "sni-none", ...; "" without TRIAL */
    const char *changed;        /* TRIAL text */
    const char *address;        /* peer as text, or NULL */
    enum tw_phase phase;
    enum tw_end end;            /* what stopped it, from the peer's side first (an alert before
                                   a FIN is ALERT); OK when it got where it was to get */
    bool ok;                    /* handshake complete and confirmed as far as was asked */
    bool peer_sent_bytes;       /* any byte from the server */
    bool hello_sent;
    int alert;                  /* fatal (or only) alert from the server; -1 none. 0 when it sent
                                   close_notify instead of going on; end is then as for a FIN */
    int alert_level;
    bool alert_protected;
    int warning_alert;          /* first warning-level alert from the server but close_notify */
    int our_alert;              /* alert that we sent, -1 none */
    uint16_t version, cipher, group, sigscheme;  /* negotiated; 0 unknown */
    const char *alpn;           /* NULL when none */
    bool hello_retry, resumed, cert_request, client_cert_sent, tls13_ticket;
    size_t server_certs;
    const struct tw_fact *alert_fact, *end_fact, *server_hello, *certificate_msg, *failed_check,
        *not_tls, *tcp, *local, *malformed, *unexpected;
    uint64_t started, connected, hello_at, first_byte, ended;  /* at values; 0 none */
};

/** Digest of connection conn from its facts. Pure. */
void tw_conn_digest(const struct tw_trace *t, uint32_t conn, struct tw_conn_view *v);
/** Number of the highest connection in the trace. */
uint32_t tw_trace_conns(const struct tw_trace *t);

#endif
