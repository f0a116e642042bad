/* What the files of net/ share. */
#ifndef TW_NET_INTERNAL_H
#define TW_NET_INTERNAL_H

#include "net/net.h"

struct tw_resolver;

struct tw_net {
    uv_loop_t loop;
    struct tw_resolver *resolver; /* made at the first look-up */
    char *servers;                /* instead of the system's; NULL: not given */
};

void tw_resolver_close(struct tw_net *n);
/** c-ares' channel, opened when need be; NULL when that fails. */
struct ares_channeldata *tw_resolver_channel(struct tw_net *n);
/** A question was handed to c-ares; it gave it back. */
void tw_resolver_one_more(struct tw_net *n);
void tw_resolver_one_less(struct tw_net *n);
/** Fills in a->text from a->ss. */
void tw_addr_label(struct tw_addr *a);

#endif
