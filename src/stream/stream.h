/*
 * From captured frames to the bytes that applications exchanged: link layers, tunnels, IP
 * fragments, TCP. Knows no TLS, does no I/O, and reads no clock: time comes with each frame.
 */
#ifndef TW_STREAM_H
#define TW_STREAM_H

#include "base/base.h"

/* ---- packets (packet.c) ---------------------------------------------------------------------- */

/** One end of a conversation. family 4 or 6; the first 4 or all 16 bytes of ip are used, the rest
 *  is zero, so that two can be compared with memcmp(). */
struct tw_endpoint {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family, pad;
};

enum { TW_IPPROTO_TCP = 6, TW_IPPROTO_UDP = 17 };
enum { TW_TCP_FIN = 1, TW_TCP_SYN = 2, TW_TCP_RST = 4, TW_TCP_ACK = 16 };

/** What matters of a frame: its innermost TCP segment or UDP datagram. Views borrow from the
 *  frame (or from the reassembled datagram). */
struct tw_packet {
    struct tw_endpoint src, dst;
    uint8_t proto;             /* TW_IPPROTO_TCP, TW_IPPROTO_UDP; 0 = nothing for us */
    uint8_t flags;             /* TCP */
    uint32_t seq, ack;
    struct tw_view payload;    /* as captured */
    size_t missing;            /* bytes of the payload that the capture cut off (snaplen) */
    /* an IP fragment: proto is 0, and the datagram is to be put together */
    bool fragment, more_fragments;
    uint8_t frag_proto;
    uint32_t frag_id, frag_off;
    struct tw_view frag_body;
};

/**
 * Looks for TCP or UDP inside of one frame.
 *
 * Link types by their pcap numbers (https://www.tcpdump.org/linktypes.html): Ethernet, Linux
 * cooked v1 and v2, raw IP, null and loop, PPP, PPPoE, IEEE 802.11 (also with radiotap), and
 * inside of them VLAN and QinQ tags, MPLS, PPPoE, IPv4, IPv6 with extension headers, IP-in-IP,
 * 6in4, GRE, VXLAN, Geneve, Teredo and GTP-U. At most 24 layers are taken off.
 *
 * @param wire_len  bytes that the frame had; more than frame.len when a snap length cut it
 * @return false when there is no TCP or UDP and no fragment of it in the frame
 */
bool tw_packet_decode(int linktype, struct tw_view frame, size_t wire_len, struct tw_packet *p);
/** The same from an IP protocol's body on; for reassembled datagrams. src and dst addresses are
 *  those already in p. */
bool tw_packet_decode_body(uint8_t ip_proto, struct tw_view body, struct tw_packet *p);
/** False for a link type that is not in the list above. */
bool tw_linktype_known(int linktype);

/** "192.0.2.1:443", "2001:db8::1:443" (as tshark writes pairs) into buf; returns buf. */
const char *tw_endpoint_text(const struct tw_endpoint *e, char *buf, size_t cap);
/** Address alone. */
const char *tw_address_text(const struct tw_endpoint *e, char *buf, size_t cap);

/* ---- IP fragments (defrag.c) ----------------------------------------------------------------- */

/** Datagrams that are being put together: at most 64 at a time, the oldest gives way. */
struct tw_defrag;
struct tw_defrag *tw_defrag_new(void);
void tw_defrag_free(struct tw_defrag *d);
/**
 * Takes a fragment. True when it made its datagram whole: p then is that datagram's TCP segment
 * or UDP datagram, and its payload is valid until the next call. Bytes that came first stay when
 * fragments overlap. @param at nanoseconds; what is older than 30 s is dropped
 */
bool tw_defrag_feed(struct tw_defrag *d, uint64_t at, struct tw_packet *p);

/* ---- one direction of a TCP connection (reassemble.c) ---------------------------------------- */

struct tw_segment; /* out of order, kept */

/** All-zero is a valid fresh direction. */
struct tw_tcp_dir {
    uint32_t next;           /* sequence number of the next byte in order */
    bool started;            /* next is known */
    uint8_t acks_beyond;     /* segments since the other side acknowledged past a hole */
    uint16_t kept_n;
    uint32_t kept_bytes;
    struct tw_segment *kept; /* in order of sequence, no two overlap */
    uint32_t peer_acked;     /* highest acknowledgement of the other side */
    bool peer_acks;
};

/** Takes bytes in order (data) or learns that `missing` bytes are lost (data empty). */
typedef void tw_deliver(void *user, uint64_t at, struct tw_view data, size_t missing);

enum { TW_TCP_KEEP_BYTES = 256 * 1024, TW_TCP_KEEP_SEGMENTS = 256 };

/**
 * Takes a segment's bytes. Sequence numbers wrap; where copies of a byte differ the first one
 * captured counts (a retransmission never changes what was delivered). A hole is called lost when
 * more than TW_TCP_KEEP_BYTES or _SEGMENTS wait behind it, or when the receiver has acknowledged
 * past it and eight more segments have come.
 *
 * @param data,missing  as in struct tw_packet
 * @return bytes newly kept minus bytes released, for the caller's account of memory
 */
long tw_tcp_segment(struct tw_tcp_dir *d, uint64_t at, uint32_t seq, struct tw_view data,
                    size_t missing, tw_deliver *deliver, void *user);
/** The other side acknowledged up to ack. Returns as tw_tcp_segment(). */
long tw_tcp_acked(struct tw_tcp_dir *d, uint32_t ack, tw_deliver *deliver, void *user);
/** Nothing more will come: delivers what waits, with the holes as losses. */
long tw_tcp_flush(struct tw_tcp_dir *d, tw_deliver *deliver, void *user);
/** Drops what waits. */
long tw_tcp_drop(struct tw_tcp_dir *d);

#endif
