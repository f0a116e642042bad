/*
 * Reports: format what rules found; never judge.
 */
#ifndef TW_REPORT_H
#define TW_REPORT_H

#include "base/base.h"
#include "rules/rules.h"

/** A connection out of a capture: the contract's "flow", and what is known of its handshake. */
struct tw_report_flow {
    unsigned n;
    const char *client, *server;      /* "192.0.2.1:50000" */
    const char *transport;            /* "tcp", "udp" */
    const char *protocol;             /* "tls", "dtls", "quic" */
    const char *file;
    uint64_t start;                   /* unix time, nanoseconds */
    uint64_t took, handshake_took;    /* nanoseconds; the handshake's 0 when not complete */
    const char *closed_by;            /* "client", "server", NULL */
    const char *how;                  /* "fin", "rst", "timeout", "capture_end" */
    int complete;                     /* 1, 0, -1 not known */
    const char *outcome;              /* contract word, for a flow without diagnosis */
    struct { bool from_server, encrypted, inferred; uint8_t level, description; } alerts[10];
    size_t alerts_n;
    const char *ja3, *ja4, *ja4s;     /* NULL: none */
    const char *sni, *selected_version, *alpn;
    uint16_t version, cipher, group;
    bool resumed, hello_retry, cert_request, client_cert;
    unsigned server_certs, client_certs;
    uint64_t lost_bytes;
};

struct tw_report_options {
    const struct tw_report_flow *flow; /* JSON: adds its members; NULL: none */
    bool colour;
    int verbosity;      /* -1 quiet: verdict line only; 0; 1: also trials, certificates, facts */
    unsigned width;     /* columns; 0 = 100 */
    const char *vantage; /* "check", "replay" */
    const char *command; /* how to call again, for "check again with"; or NULL */
};

/** Text for a person, fits the width, reads well without colour. */
enum tw_status tw_report_text(const struct tw_diagnosis *d, const struct tw_report_options *o,
                              struct tw_buf *out) TW_MUST_CHECK;
/** One line of JSON per the contract (docs/tlswhy-1.schema.json), with newline. */
enum tw_status tw_report_json(const struct tw_diagnosis *d, const struct tw_report_options *o,
                              struct tw_buf *out) TW_MUST_CHECK;
/** The same object for a flow that nobody had to judge: outcome and handshake, no causes. */
enum tw_status tw_report_flow_json(const struct tw_report_flow *f, struct tw_buf *out)
    TW_MUST_CHECK;
/** `tlswhy causes` and `tlswhy causes ID`; json: JSON lines. false: no such id. */
bool tw_report_causes(const char *id, bool json, const struct tw_report_options *o,
                      struct tw_buf *out);
/** `tlswhy clients`; json: JSON lines. */
void tw_report_clients(bool json, struct tw_buf *out);

#endif
