/* What the files of probe/ share: one diagnosis under way, and its connections. */
#ifndef TW_PROBE_INTERNAL_H
#define TW_PROBE_INTERNAL_H

#include "engine/engine.h"
#include "net/net.h"
#include "probe/online.h"
#include "probe/probe.h"

struct probe;

/** One connection: the baseline (may try several addresses) or a trial. */
struct pconn;

struct probe {
    struct tw_lib *lib;
    const struct tw_options *o;
    const struct tw_target *target;
    struct tw_result *r;
    struct tw_net *net;
    uint64_t start, deadline;        /* monotonic ns */
    struct tw_timer *deadline_timer, *progress_timer;
    tw_progress_fn *progress;
    void *user;
    struct tw_hello hello;           /* the baseline's */
    char host_name[256];             /* the target's, without the dot of an absolute name */
    char sni_sent[256];              /* with --hello */
    const char *server_name, *verify_name;
    const struct tw_protocol *before[2]; size_t before_n; /* dialogues before TLS: proxy, upgrade */
    struct tw_addr addrs[TW_MAX_ADDRS]; size_t addrs_n;
    bool have_winner; struct tw_addr winner;
    struct pconn *conns[TW_MAX_CONNS]; size_t conns_n;
    struct tw_trial client_trials[TW_MAX_CONNS]; size_t clients_done;
    size_t active;
    const char *doing;               /* for progress */
    struct online *online;           /* --online, once there are certificates */
    struct tw_sntp *sntp;            /* --sntp; NULL when not asked */
    char tlsa_name[300]; struct tw_buf tlsa; /* --dane: the question, and the answer's bytes */
    bool dane_over, dane_judged;
    bool stopping, finished, online_asked, clocks_noted, sntp_over;
};

/** Starts connection number n (from 1). trial NULL = baseline. false: could not even start. */
bool pconn_start(struct probe *p, uint32_t n, const struct tw_trial *trial);
/** The whole diagnosis is out of time or was interrupted: ends the connection now. */
void pconn_abort(struct pconn *pc, const char *how);
void pconn_free(struct pconn *pc);
/** Under way, and only waiting whether the server speaks in plain text. */
bool pconn_listens(const struct pconn *pc);

/** Called by a connection exactly once, when it is over. */
void probe_conn_over(struct probe *p);
void probe_fact(struct probe *p, struct tw_fact f);
/** Do the certificates of conn with the issuers fetched (ca_issuers) validate? */
bool probe_path_completes(struct probe *p, uint32_t conn);
/** Milliseconds until the deadline of the diagnosis. */
uint64_t probe_left_ms(const struct probe *p);

/* clients.c */
/** Starts the next few trials of --clients; 0 when none is wanted or left. */
size_t probe_next_clients(struct probe *p);

/* verdicts.c: trust stores */
/** Anchors of the store that judges the handshake. */
struct tw_trust *probe_trust(struct probe *p);
/** Facts about the stores, and what each says of the chain that was judged. */
void probe_note_stores(struct probe *p, const struct tw_path_request *judged, uint32_t conn);

/* clocks.c: other clocks than ours */
void clocks_note_local(struct probe *p);
void clocks_ask(struct probe *p);   /* --sntp: counts as one of p->active until it is over */
void clocks_stop(struct probe *p);

/* dane.c: --dane */
void dane_ask(struct probe *p);     /* counts as one of p->active until it is over */
void dane_stop(struct probe *p);
void dane_judge(struct probe *p);   /* once there are certificates and an answer */

/* raw.c: connections without the engine */
struct raw;
struct raw *raw_new(struct probe *p, uint32_t conn, enum tw_transport kind);
void raw_free(struct raw *r);
struct tw_view raw_opening(struct raw *r);           /* what to send first; may be empty */
bool raw_data(struct raw *r, struct tw_view bytes);  /* true: enough seen */
void raw_end(struct raw *r, const char *how, int err);

#endif
