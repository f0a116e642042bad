/**
 * @file tlswhy.h
 * Why does a TLS handshake fail, on whose side, and what makes it work?
 *
 * The command line and every other front end use nothing but this header. A diagnosis is made by
 * tw_check() (live) or tw_replay() (from a saved trace); both hand over a struct tw_result, which
 * can be shown as text or as JSON (schema "tlswhy/1", docs/tlswhy-1.schema.json).
 *
 * Threads: a struct tw_lib belongs to one thread at a time. Nothing here keeps global state.
 */
#ifndef TLSWHY_H
#define TLSWHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TW_API __attribute__((visibility("default")))
#define TW_API_MUST_CHECK __attribute__((warn_unused_result))
#else
#define TW_API
#define TW_API_MUST_CHECK
#endif

/** Exit status of the command line, and of every call here that says so. With several targets
 *  the largest wins. */
enum tw_exit {
    TW_EXIT_OK = 0,          /**< the handshake works */
    TW_EXIT_FAIL = 1,        /**< it fails; the report has the root cause */
    TW_EXIT_USAGE = 2,       /**< wrong option or unreadable input */
    TW_EXIT_UNKNOWN = 3,     /**< internal error, or not enough evidence for any cause */
    TW_EXIT_INTERRUPTED = 130
};

/** "0.1.0" */
TW_API const char *tw_version_text(void);
/** "OpenSSL 3.0.19 ..." that does the cryptography; borrowed from lib. */
struct tw_lib;
TW_API const char *tw_lib_crypto_version(const struct tw_lib *lib);

/** Sets up cryptography. NULL for lack of memory or when libcrypto cannot be used. */
TW_API struct tw_lib *tw_lib_new(void);
/** NULL is fine. All results must have been freed before. */
TW_API void tw_lib_free(struct tw_lib *lib);

/* ---- options ------------------------------------------------------------------------------- */

/** What to ask of a server. Made by tw_options_new() with defaults; strings are copied. */
struct tw_options;
TW_API struct tw_options *tw_options_new(void);
TW_API void tw_options_free(struct tw_options *o);

/**
 * Set one option by its name on the command line, without dashes: "servername", "no-sni",
 * "verify-name", "connect", "ca", "trust", "trust-pass", "cert", "key", "pass", "alpn",
 * "min-version", "max-version", "ciphers", "groups", "sigalgs", "as", "hello", "clients", "at",
 * "4", "6", "timeout", "max-connections", "online", "sntp", "hard-fail", "ct-log-list", "dane",
 * "resolver"; and "ca-pem" and "ct-log-list-json", which take the text where "ca" and
 * "ct-log-list" take a path, and "trust-data", which takes the bytes of a trust store in hex where
 * "trust" takes a path.
 *
 * Files named by "ca", "trust", "cert", "key" and "hello" are read here, so a bad file is found
 * before any connection is made.
 *
 * @param value  NULL for options that take none
 * @param why    one line that says what is wrong and where; borrowed from o until the next call
 * @return 0, or TW_EXIT_USAGE with *why set
 */
TW_API int tw_options_set(struct tw_options *o, struct tw_lib *lib, const char *name,
                          const char *value, const char **why) TW_API_MUST_CHECK;

/* ---- results ------------------------------------------------------------------------------- */

struct tw_result;
TW_API void tw_result_free(struct tw_result *r);
/** TW_EXIT_OK, TW_EXIT_FAIL, TW_EXIT_UNKNOWN or TW_EXIT_INTERRUPTED. */
TW_API int tw_result_exit(const struct tw_result *r);
/** Id of the root cause, e.g. "cert-expired"; NULL when there is none. */
TW_API const char *tw_result_cause(const struct tw_result *r);
/** Is there a warning with that id? */
TW_API bool tw_result_warns(const struct tw_result *r, const char *id);
/** Connections made and greatest depth of dependent rounds (baseline = 1). */
TW_API unsigned tw_result_connections(const struct tw_result *r);
TW_API unsigned tw_result_rounds(const struct tw_result *r);

struct tw_text_options {
    bool colour;
    int verbosity;        /**< -1 verdict line only, 0 normal, 1 everything */
    unsigned width;       /**< columns, 0 = 100 */
    const char *command;  /**< how to call again ("tlswhy check ..."), or NULL */
};
/** Report as text; malloc'ed, free() it. NULL for lack of memory. */
TW_API char *tw_result_text(const struct tw_result *r, const struct tw_text_options *o);
/** One JSON object on one line, with newline; malloc'ed. */
TW_API char *tw_result_json(const struct tw_result *r);
/** Trace as JSON lines, for tw_replay(); malloc'ed, *len its length. */
TW_API char *tw_result_trace(const struct tw_result *r, size_t *len);

/* ---- diagnosis ----------------------------------------------------------------------------- */

/** Called between steps; return false to stop and get what is known so far. */
typedef bool tw_progress_fn(void *user, const char *what);

/**
 * Whether tw_check() can take this target with these options; makes no connection and looks no
 * name up. Lets a caller refuse a bad target among several before it shows anything.
 *
 * @param target  NULL: only whether the options fit together
 * @param why     for TW_EXIT_USAGE: what is wrong; static or borrowed from o until the next call
 * @return 0 or TW_EXIT_USAGE
 */
TW_API int tw_check_target(struct tw_lib *lib, struct tw_options *o, const char *target,
                           const char **why) TW_API_MUST_CHECK;

/**
 * Diagnose one target: connect, do the handshake, and when it fails, find out why.
 *
 * @param target  HOST, HOST:PORT, [V6]:PORT or URL
 * @param why     for TW_EXIT_USAGE: what is wrong with the target; static or borrowed from o
 * @return 0 with *out set (whatever the verdict), or TW_EXIT_USAGE, or TW_EXIT_UNKNOWN for lack
 *         of memory
 */
TW_API int tw_check(struct tw_lib *lib, struct tw_options *o, const char *target,
                    tw_progress_fn *progress, void *user, struct tw_result **out,
                    const char **why) TW_API_MUST_CHECK;

/**
 * Explain a certificate file the way tw_check() explains what a server sent: PEM (leaf first, then
 * its chain) or DER. Of the options "ca", "at", and those of inspect count: "chain" and "crl" (files,
 * added up), "name" (host name, IP address or URI that the certificate must cover), "purpose"
 * (server, client, any), "policy" (rfc5280: what validators check; strict: also RFC 5280's
 * certificate profile; webpki: also the Baseline Requirements), "level" (0 to 5, as OpenSSL's
 * security levels; default 2).
 *
 * @return as tw_check(); TW_EXIT_USAGE when the file cannot be read or holds no certificate
 */
TW_API int tw_inspect(struct tw_lib *lib, struct tw_options *o, const char *file,
                      struct tw_result **out, const char **why) TW_API_MUST_CHECK;

/** The chain to serve, PEM: leaf and intermediates of the best path in order, without the root, from
 *  what was sent and found; malloc'ed. NULL when no path reaches a trust anchor. */
TW_API char *tw_result_chain(const struct tw_result *r);

/** Judge a saved trace again. @param line,why  for TW_EXIT_USAGE: where and what */
TW_API int tw_replay(struct tw_lib *lib, const void *trace, size_t len, struct tw_result **out,
                     size_t *line, const char **why) TW_API_MUST_CHECK;

/**
 * Explain a pasted error: one line, a stack trace, a whole log, a code.
 *
 * Finds the messages of TLS stacks in it and judges what they mean together. tw_result_json()
 * has the causes in order of likelihood, and `matches`; tw_result_exit() is TW_EXIT_FAIL when a
 * cause was found, else TW_EXIT_UNKNOWN. Nothing is connected to.
 *
 * @param text  borrowed for the call; any bytes; what is beyond 64 MB is not looked at
 * @return 0 with *out set, or TW_EXIT_UNKNOWN for lack of memory
 */
TW_API int tw_explain_text(struct tw_lib *lib, const void *text, size_t len,
                           struct tw_result **out) TW_API_MUST_CHECK;

/**
 * What to hand to tw_check() to look at the peer that an explained text is about: "HOST",
 * "HOST:PORT" or a URL; borrowed from r. NULL when the text names none.
 */
TW_API const char *tw_result_target(const struct tw_result *r);

/* ---- captures ------------------------------------------------------------------------------ */

enum { TW_PCAP_WHY = 800 };

/** What to do with captures. All zero: a summary of failed handshakes as text. */
struct tw_pcap_config {
    bool json;               /**< one object per connection, healthy ones too, in short */
    bool all;                /**< text: a line for each connection; json: healthy ones in full */
    unsigned flow;           /**< only this one, in full; 0 = all */
    /** Filters; NULL = any. cause: id of the root cause. client, server: ADDRESS or
     *  ADDRESS:PORT. sni: a name, or "*.example.com". */
    const char *cause, *client, *server, *sni;
    const char *interface;   /**< capture live there until progress() says stop; NULL = files */
    const char *filter;      /**< BPF, pcap-filter(7); NULL = everything */
    struct tw_text_options text;
    /** Gets the output in pieces, as it is made; never NULL. */
    void (*out)(void *user, const char *text, size_t len);
    /** Gets the trace of the one flow, for tw_replay(); NULL = not wanted. */
    void (*trace)(void *user, const char *text, size_t len);
    tw_progress_fn *progress; /**< or NULL */
    void *user;
};

/**
 * Read captures (pcap, pcapng; also gzip or zstd; "-" = standard input) and tell why handshakes
 * in them failed. Passive: nothing is sent. Certificates are judged at the capture's own time,
 * against "ca" of the options or the system's store.
 *
 * @param why_buf  TW_PCAP_WHY bytes
 * @param why      what is wrong, in why_buf, or NULL; for a damaged file it has the byte offset,
 *                 and what could be read was put out before
 * @return TW_EXIT_OK, TW_EXIT_FAIL, TW_EXIT_USAGE, TW_EXIT_UNKNOWN (also: no TLS in it),
 *         TW_EXIT_INTERRUPTED
 */
TW_API int tw_pcap(struct tw_lib *lib, const struct tw_options *o, const char *const *files,
                   size_t n, const struct tw_pcap_config *cfg, char *why_buf,
                   const char **why) TW_API_MUST_CHECK;

/* ---- catalogue ----------------------------------------------------------------------------- */

/** The catalogue (id NULL) or one cause, as text or JSON lines; malloc'ed. NULL: no such id. */
TW_API char *tw_causes(const char *id, bool json, const struct tw_text_options *o);

/** The real clients that the option "as" takes, as a table or as JSON lines (client, title, date,
 *  source, versions, ciphers: how many); malloc'ed. NULL for lack of memory. */
TW_API char *tw_clients(bool json) TW_API_MUST_CHECK;

/**
 * Trust stores of this machine, as a table or as JSON lines (store, label, format, anchors,
 * not_anchors, keys, damaged, newest_root, problem).
 * @param names NULL-terminated, as for the option "trust"; NULL or empty: "all"
 * @param why   when the result is NULL: one line; borrowed from lib until the next call
 * @return malloc'ed text, or NULL: no such store, or out of memory
 */
TW_API char *tw_stores(struct tw_lib *lib, const char *const *names, bool json,
                       const char **why) TW_API_MUST_CHECK;

/* ---- lab: broken servers on loopback ----------------------------------------------------------- */

struct tw_lab;
struct tw_lab_fault {
    const char *name;      /**< "cert-expired" or a variant such as "cert-expired-tls12" */
    const char *title;     /**< what is broken, in words */
    const char *expect;    /**< cause id that check must find; NULL for healthy servers */
    bool warning;          /**< expect is to be a warning: the handshake itself works */
    const char *options;   /**< options that check needs, "name=value" separated by spaces, or NULL;
                                the value LAB stands for tw_lab_log_list() */
    unsigned port;         /**< 0 where no server listens on purpose until started */
    const char *host;      /**< what to put into the target: "localhost", "127.0.0.1" */
};
/** True when the lab has a fault of that name. */
TW_API bool tw_lab_knows(const char *name);
/**
 * Start the lab's servers on loopback in a thread of its own.
 * @param only      fault names, NULL-terminated, or NULL for all
 * @param base_port first port, or 0 for ports the system chooses
 */
TW_API int tw_lab_start(struct tw_lib *lib, const char *const *only, unsigned base_port,
                        struct tw_lab **out, const char **why) TW_API_MUST_CHECK;
TW_API const struct tw_lab_fault *tw_lab_at(const struct tw_lab *lab, size_t i);
/** PEM text of the lab's CA, for "ca"; borrowed from lab. */
TW_API const char *tw_lab_ca(const struct tw_lab *lab);
/** Log list (JSON) of the lab's CT logs, for "ct-log-list-json"; borrowed from lab. */
TW_API const char *tw_lab_log_list(const struct tw_lab *lab);
TW_API void tw_lab_stop(struct tw_lab *lab);

#ifdef __cplusplus
}
#endif

#endif
