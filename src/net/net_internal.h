/* What the files of net/ share. */
#ifndef TW_NET_INTERNAL_H
#define TW_NET_INTERNAL_H

#include "net/net.h"

struct tw_resolver;

struct tw_net {
    uv_loop_t loop;
    struct tw_resolver *resolver; /* made at the first look-up */
};

void tw_resolver_close(struct tw_net *n);
/** Fills in a->text from a->ss. */
void tw_addr_label(struct tw_addr *a);

#endif
