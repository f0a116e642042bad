/*
 * The active vantage: connect, run the engine, apply trials the planner asks for, judge. The only
 * place where the engine meets sockets.
 */
#ifndef TW_PROBE_H
#define TW_PROBE_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "dialogue/dialogue.h"
#include "rules/rules.h"
#include "tlswhy/tlswhy.h"
#include "x509/revocation.h"
#include "x509/store.h"

/* ---- trust stores (stores.c) ---------------------------------------------------------------------- */

/** One trust store of this machine, or given by path. */
struct tw_store {
    const char *name;            /* "system", "java", "certifi" ...; "file" for a path */
    const char *label;           /* "Java 17.0.15 (/usr/lib/jvm/.../cacerts)" */
    struct tw_trust *trust;      /* its anchors; empty when it could not be read. Never NULL */
    struct tw_store_content content;
    bool asked;                  /* named itself by the user, not found by the name of its kind */
    const char *unreadable;      /* why the operating system or a tool refused; NULL when it was
                                    read. It names the path. */
};

enum { TW_MAX_STORES = 48 };
struct tw_store_list {
    struct tw_store v[TW_MAX_STORES]; size_t n;
    struct tw_arena *texts;      /* borrowed: names and labels */
};

struct tw_explainer;
struct tw_lib {
    struct tw_crypto *crypto;
    struct tw_store system;      /* loaded at first use */
    struct tw_arena *system_texts;
    struct tw_explainer *explainer; /* made at first use */
    bool system_tried;
    char why[512];               /* reason of tw_stores() */
};

/**
 * Appends stores to a list: "system", "mozilla", "java", "certifi", "node", "nss", "openssl",
 * "env" (files that environment variables name), "none" (no anchors at all), "all" (every one
 * that is found), or a path in any format of x509/store.h (also a directory, a Java home, or an
 * NSS database). "node" and "nss" start a process.
 *
 * @param password  for a path; NULL when none was given
 * @param why       one line, for TW_EXIT_USAGE: no such store here, or the path cannot be used
 * @return 0 or TW_EXIT_USAGE. A store that was found but cannot be read is in the list, with the
 *         reason; a path that cannot be read is refused.
 */
int tw_stores_add(struct tw_lib *lib, struct tw_store_list *l, const char *name,
                  const char *password, const char **why);
/** A store whose bytes the caller has in memory. */
int tw_stores_add_data(struct tw_lib *lib, struct tw_store_list *l, struct tw_view data,
                       const char *password, const char **why);
void tw_stores_cleanup(struct tw_store_list *l);
/** The system's store with what was wrong with it. Borrowed from lib. */
const struct tw_store *tw_system_store(struct tw_lib *lib);
/** Anchors of a file or directory, added to t; refuses what is damaged or holds none. */
int tw_trust_add_path(struct tw_lib *lib, struct tw_trust *t, const char *path,
                      const char *password, struct tw_arena *texts, const char **why);

/** The system's trust store: SSL_CERT_FILE, SSL_CERT_DIR, or the first known bundle. Never NULL
 *  unless memory is out; may be empty. Borrowed from lib. */
struct tw_trust *tw_system_trust(struct tw_lib *lib);
/** Whole file; at most max bytes. why gets one line for the user. */
enum tw_status tw_read_file(const char *path, size_t max, struct tw_buf *out,
                            struct tw_arena *texts, const char **why) TW_MUST_CHECK;

/* ---- target (target.c) -------------------------------------------------------------------------- */

/** How the first application bytes look. */
enum tw_app { TW_APP_HTTP, TW_APP_OTHER };

struct tw_target {
    char input[1024];
    char host[256];              /* A-labels, or IP literal without brackets */
    char path[512];              /* "/" when none was given */
    char scheme[32];             /* "https" when none was given */
    unsigned port;
    bool is_ip;
    bool has_port;               /* the port was given, or comes from a given scheme */
    enum tw_app app;
    const struct tw_protocol *starttls; /* upgrade before TLS, by scheme or port; NULL: none */
};
/** @param why static text when false */
bool tw_target_parse(const char *s, struct tw_target *t, const char **why);
/** False when the target is an address of the other family. AF_UNSPEC takes all. */
bool tw_target_family_ok(const struct tw_target *t, int family, const char **why);
/**
 * A host name as DNS, SNI and certificates have it: A-labels (RFC 5891), ASCII as it is.
 * @param why static text when false
 */
bool tw_name_to_ascii(const char *name, char *out, size_t cap, const char **why);

/* ---- options (options.c) -------------------------------------------------------------------------- */

struct tw_options {
    struct tw_arena *arena;
    bool no_sni;
    const char *server_name, *verify_name, *connect; /* NULL when not given */
    struct tw_trust *ca;                      /* anchors of all --ca; NULL: none given */
    unsigned ca_n;
    struct tw_store_list *stores;             /* of --trust; NULL: none given */
    const char *trust_pass;
    struct tw_buf cert, key;
    const char *cert_path, *key_path, *pass;
    struct tw_credential *cred;               /* made by tw_options_finish() */
    bool has_alpn, has_ciphers, has_groups, has_sigalgs;
    char alpn[8][32]; size_t alpn_n;
    uint16_t min_version, max_version;        /* 0: not given */
    struct tw_u16list ciphers, groups, sigalgs;
    bool no_starttls;                         /* TLS from the first byte, whatever the port */
    const struct tw_protocol *starttls;       /* NULL: as the target says */
    const struct tw_protocol *proxy;          /* NULL: none */
    struct tw_target proxy_at;
    const char *proxy_user, *proxy_password;
    const struct tw_client_profile *as;       /* NULL: a current mainstream client */
    struct tw_view hello;                     /* message to be sent as it is; empty: none */
    uint16_t hello_record_version;
    bool clients;                             /* try all known clients, too */
    bool has_timeout, has_max_connections;
    bool has_at; int64_t at;
    int family;                               /* AF_UNSPEC, AF_INET, AF_INET6 */
    uint64_t timeout_ms;
    unsigned max_connections;
    bool online, hard_fail, dane;
    struct tw_log_list *ct_logs;              /* NULL: not given */
    const char *resolver, *sntp;              /* NULL when not given */
    struct tw_buf chain, crls;                /* inspect: contents of the files given */
    enum tw_policy policy;
    enum tw_purpose purpose;
    unsigned level;                           /* 1 + security level; 0: the default */
};
/** What can be checked only when all options are there. 0 or TW_EXIT_USAGE with *why. */
int tw_options_finish(struct tw_options *o, struct tw_lib *lib, const char **why);
/** Reads the file of --hello. @param why one line when false */
bool tw_options_read_hello(struct tw_options *o, const char *path, const char **why);
/** The baseline's ClientHello for these options; server_name still empty, except with --hello. */
void tw_options_hello(const struct tw_options *o, const struct tw_crypto *c, struct tw_hello *h);

/* ---- result ------------------------------------------------------------------------------------------ */

struct tw_result {
    struct tw_trace *trace;
    struct tw_arena *arena;
    struct tw_diagnosis *diagnosis;
    const char *vantage;
    unsigned connections, rounds;
    bool interrupted;
};
struct tw_result *tw_result_new(const char *vantage);
/** Judges the trace again into r->diagnosis. */
enum tw_status tw_result_judge(struct tw_result *r) TW_MUST_CHECK;

/** Runs the diagnosis; options are finished. */
enum tw_status tw_probe_run(struct tw_lib *lib, const struct tw_options *o,
                            const struct tw_target *t, tw_progress_fn *progress, void *user,
                            struct tw_result *r) TW_MUST_CHECK;

/* ---- first application bytes (http.c), pure --------------------------------------------------------- */

/** Appends what a client would send first: HEAD request in HTTP/1.1, or HTTP/2 preface, SETTINGS
 *  and a HEAD request (RFC 9113 3.4, RFC 7541). */
void tw_http_request(struct tw_buf *out, const char *alpn, const char *host, const char *path);
/** Status code of the response at the start of app data; 0 = not there yet, -1 = not HTTP. */
int tw_http_status(struct tw_view data, const char *alpn);
/** Time in the response's Date header, unix seconds (http_clock.c); false when there is none, or
 *  a cache answered. */
bool tw_http_clock(struct tw_view data, const char *alpn, int64_t *out);

#endif
