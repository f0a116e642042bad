/* The handshake as a ladder: what went over the wire on one connection, in order. */
#ifndef TW_LADDER_H
#define TW_LADDER_H

#include "rules/rules.h"

struct ladder_row {
    uint64_t at;              /* ns since the start of the trace */
    enum tw_side from;
    const char *message;      /* "TCP connect", "ClientHello", "Alert", "closed (FIN)" ... */
    uint64_t bytes;           /* on the wire, 0 unknown */
    char note[220];           /* printable */
    bool bad;                 /* the place where it broke */
    bool protected_;
};

/** Row i of connection conn; false past the end. Rows are computed anew each call in order:
 *  start with *state = 0 and hand it back. */
bool ladder_next(const struct tw_diagnosis *d, uint32_t conn, size_t *state,
                 struct ladder_row *row);

#endif
