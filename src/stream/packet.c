/*
 * Layers off a frame until TCP or UDP is left. A loop over `struct layer`: each step reads one
 * header and says what is inside, so that any nesting works and none can go on for ever.
 *
 * Sources: RFC 791, 8200 (IP), 9293 (TCP), 768 (UDP), 2784 and 2890 (GRE), 7348 (VXLAN), 8926
 * (Geneve), 3032 (MPLS), 2516 (PPPoE), 4380 (Teredo), IEEE 802.1Q, 802.1ad, 802.11;
 * https://www.tcpdump.org/linktypes.html.
 */
#include "stream/stream.h"

/* clang-format off */
enum { MAX_LAYERS = 24 };
enum { LINK_NULL = 0, LINK_ETHERNET = 1, LINK_PPP = 9, LINK_RAW_BSD = 12, LINK_RAW_OPENBSD = 14,
       LINK_PPP_HDLC = 50, LINK_PPP_ETHER = 51, LINK_RAW = 101, LINK_80211 = 105, LINK_LOOP = 108,
       LINK_SLL = 113, LINK_80211_PRISM = 119, LINK_80211_RADIOTAP = 127, LINK_IPV4 = 228,
       LINK_IPV6 = 229, LINK_SLL2 = 276 };
enum { ETHER_IPV4 = 0x0800, ETHER_TRANSPARENT = 0x6558, ETHER_VLAN = 0x8100, ETHER_IPV6 = 0x86dd,
       ETHER_MPLS = 0x8847, ETHER_MPLS_MC = 0x8848, ETHER_PPPOE = 0x8864, ETHER_QINQ = 0x88a8,
       ETHER_QINQ_OLD = 0x9100, ETHER_PPP = 0x880b };
enum { IP_HOPOPTS = 0, IP_IPV4 = 4, IP_IPV6 = 41, IP_ROUTING = 43, IP_FRAGMENT = 44, IP_GRE = 47,
       IP_AH = 51, IP_DSTOPTS = 60, IP_MOBILITY = 135 };
enum { UDP_GTPU = 2152, UDP_TEREDO = 3544, UDP_VXLAN = 4789, UDP_GENEVE = 6081,
       UDP_VXLAN_LINUX = 8472 };
/* clang-format on */

enum kind { K_DONE, K_NOTHING, K_LINK, K_ETHERTYPE, K_PPP, K_IP_ANY, K_IP_PROTO };

struct layer {
    enum kind kind;
    unsigned type; /* link type, ether type, PPP protocol, IP protocol */
    struct tw_view body;
    size_t missing; /* bytes that lie behind body and were not captured */
};

static const struct layer nothing = {K_NOTHING, 0, {NULL, 0}, 0};

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static struct layer inside(enum kind kind, unsigned type, const struct layer *l, size_t skip)
{
    if (skip > l->body.len)
        return nothing;
    return (struct layer){kind, type, {l->body.data + skip, l->body.len - skip}, l->missing};
}

/* Cuts the body to what the header announces (Ethernet pads short frames). Of what it announces
 * beyond the body only what the snap length cut off is missing; more was never there. */
static void bound(struct layer *l, size_t announced)
{
    if (announced <= l->body.len) {
        l->body.len = announced;
        l->missing = 0;
    } else if (announced - l->body.len < l->missing) {
        l->missing = announced - l->body.len;
    }
}

/* ---- link layers ----------------------------------------------------------------------------- */

static struct layer ethernet(const struct layer *l)
{
    if (l->body.len < 14)
        return nothing;
    unsigned type = be16(l->body.data + 12);
    if (type >= 0x600)
        return inside(K_ETHERTYPE, type, l, 14);
    /* IEEE 802.3 with LLC and SNAP */
    const uint8_t *p = l->body.data + 14;
    if (l->body.len >= 22 && p[0] == 0xaa && p[1] == 0xaa)
        return inside(K_ETHERTYPE, be16(p + 6), l, 22);
    return nothing;
}

/* The address family's number differs between systems, and its byte order is that of the machine
 * that captured; the IP version does not. */
static struct layer null_loop(const struct layer *l)
{
    return l->body.len < 4 ? nothing : inside(K_IP_ANY, 0, l, 4);
}

static struct layer wifi(const struct layer *l)
{
    const uint8_t *p = l->body.data;
    if (l->body.len < 24 || (p[0] & 0x0c) != 0x08 || (p[1] & 0x40) != 0)
        return nothing; /* data frames only, and none that are encrypted */
    size_t head = (p[1] & 3) == 3 ? 30 : 24;
    bool qos = (p[0] & 0x80) != 0;
    head += qos ? 2 : 0;
    head += qos && (p[1] & 0x80) != 0 ? 4 : 0; /* HT control */
    if (l->body.len < head + 8 || p[head] != 0xaa || p[head + 1] != 0xaa)
        return nothing;
    return inside(K_ETHERTYPE, be16(p + head + 6), l, head + 8);
}

static struct layer radiotap(const struct layer *l)
{
    if (l->body.len < 8)
        return nothing;
    size_t len = (size_t)l->body.data[2] | (size_t)l->body.data[3] << 8;
    return inside(K_LINK, LINK_80211, l, len);
}

static struct layer ppp_link(const struct layer *l)
{
    const uint8_t *p = l->body.data;
    size_t skip = l->body.len >= 2 && p[0] == 0xff && p[1] == 0x03 ? 2 : 0;
    if (l->body.len < skip + 2)
        return nothing;
    if ((p[skip] & 1) != 0) /* compressed protocol field, RFC 1661 6.5 */
        return inside(K_PPP, p[skip], l, skip + 1);
    return inside(K_PPP, be16(p + skip), l, skip + 2);
}

static struct layer pppoe(const struct layer *l)
{
    if (l->body.len < 8 || l->body.data[1] != 0)
        return nothing;
    struct layer own = *l;
    bound(&own, 6 + (size_t)be16(l->body.data + 4));
    return inside(K_PPP, be16(l->body.data + 6), &own, 8);
}

static struct layer sll(const struct layer *l, size_t type_at, size_t head)
{
    return l->body.len < head ? nothing
                              : inside(K_ETHERTYPE, be16(l->body.data + type_at), l, head);
}

bool tw_linktype_known(int linktype)
{
    static const int known[] = {
        LINK_NULL,           LINK_ETHERNET, LINK_PPP,       LINK_RAW_BSD,
        LINK_RAW_OPENBSD,    LINK_PPP_HDLC, LINK_PPP_ETHER, LINK_RAW,
        LINK_80211,          LINK_LOOP,     LINK_SLL,       LINK_80211_PRISM,
        LINK_80211_RADIOTAP, LINK_IPV4,     LINK_IPV6,      LINK_SLL2};
    for (size_t i = 0; i < TW_ARRAY_LEN(known); i++)
        if (known[i] == linktype)
            return true;
    return false;
}

static struct layer link_layer(const struct layer *l)
{
    switch (l->type) {
    case LINK_ETHERNET:
        return ethernet(l);
    case LINK_NULL:
    case LINK_LOOP:
        return null_loop(l);
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_IPV4:
    case LINK_IPV6:
        return inside(K_IP_ANY, 0, l, 0);
    case LINK_SLL:
        return sll(l, 14, 16);
    case LINK_SLL2:
        return sll(l, 0, 20);
    case LINK_PPP:
    case LINK_PPP_HDLC:
        return ppp_link(l);
    case LINK_PPP_ETHER:
        return pppoe(l);
    case LINK_80211:
        return wifi(l);
    case LINK_80211_PRISM:
        return inside(K_LINK, LINK_80211, l, 144);
    case LINK_80211_RADIOTAP:
        return radiotap(l);
    default:
        return nothing;
    }
}

/* A label stack has no type of what it carries: the IP version tells; a control word of zero bits
 * in front means Ethernet (RFC 4385, 4448). */
static struct layer mpls(const struct layer *l)
{
    size_t at = 0;
    while (at + 4 <= l->body.len) {
        bool last = (l->body.data[at + 2] & 1) != 0;
        at += 4;
        if (!last)
            continue;
        unsigned nibble = at < l->body.len ? l->body.data[at] >> 4 : 0;
        if (nibble == 4 || nibble == 6)
            return inside(K_IP_ANY, 0, l, at);
        return inside(K_LINK, LINK_ETHERNET, l, nibble == 0 ? at + 4 : at);
    }
    return nothing;
}

static struct layer ether_type(const struct layer *l)
{
    switch (l->type) {
    case ETHER_IPV4:
    case ETHER_IPV6:
        return inside(K_IP_ANY, 0, l, 0);
    case ETHER_VLAN:
    case ETHER_QINQ:
    case ETHER_QINQ_OLD:
        return l->body.len < 4 ? nothing : inside(K_ETHERTYPE, be16(l->body.data + 2), l, 4);
    case ETHER_MPLS:
    case ETHER_MPLS_MC:
        return mpls(l);
    case ETHER_PPPOE:
        return pppoe(l);
    case ETHER_PPP:
        return ppp_link(l);
    case ETHER_TRANSPARENT:
        return inside(K_LINK, LINK_ETHERNET, l, 0);
    default:
        return nothing;
    }
}

static struct layer ppp(const struct layer *l)
{
    if (l->type == 0x21 || l->type == 0x57)
        return inside(K_IP_ANY, 0, l, 0);
    return l->type == 0x281 ? mpls(l) : nothing;
}

/* ---- IP -------------------------------------------------------------------------------------- */

static void set_ends(struct tw_packet *p, uint8_t family, const uint8_t *src, const uint8_t *dst)
{
    size_t n = family == 4 ? 4 : 16;
    p->src = (struct tw_endpoint){.family = family};
    p->dst = (struct tw_endpoint){.family = family};
    memcpy(p->src.ip, src, n);
    memcpy(p->dst.ip, dst, n);
}

static struct layer take_fragment(struct tw_packet *p, const struct layer *l)
{
    p->fragment = true;
    p->frag_body = l->body;
    return l->missing != 0 ? nothing : (struct layer){K_DONE, 0, {NULL, 0}, 0};
}

static struct layer ipv4(const struct layer *in, struct tw_packet *p)
{
    struct layer l = *in;
    const uint8_t *h = l.body.data;
    size_t head = l.body.len < 20 ? 0 : (size_t)(h[0] & 15) * 4;
    if (head < 20 || l.body.len < head)
        return nothing;
    size_t total = be16(h + 2); /* 0 is left by segmentation offload: the frame's end counts */
    if (total >= head)
        bound(&l, total);
    else if (total != 0)
        return nothing;
    set_ends(p, 4, h + 12, h + 16);
    struct layer next = inside(K_IP_PROTO, h[9], &l, head);
    unsigned frag = be16(h + 6);
    if ((frag & 0x3fff) == 0)
        return next;
    p->more_fragments = (frag & 0x2000) != 0;
    p->frag_off = (frag & 0x1fff) * 8;
    p->frag_id = be16(h + 4);
    p->frag_proto = h[9];
    return take_fragment(p, &next);
}

static struct layer ipv6(const struct layer *in, struct tw_packet *p)
{
    struct layer l = *in;
    const uint8_t *h = l.body.data;
    if (l.body.len < 40)
        return nothing;
    size_t len = be16(h + 4);
    if (len != 0)
        bound(&l, 40 + len);
    set_ends(p, 6, h + 8, h + 24);
    return inside(K_IP_PROTO, h[6], &l, 40);
}

static struct layer ip_any(const struct layer *l, struct tw_packet *p)
{
    unsigned version = l->body.len == 0 ? 0 : l->body.data[0] >> 4;
    return version == 4 ? ipv4(l, p) : version == 6 ? ipv6(l, p) : nothing;
}

static struct layer fragment6(const struct layer *l, struct tw_packet *p)
{
    if (l->body.len < 8)
        return nothing;
    const uint8_t *h = l->body.data;
    struct layer next = inside(K_IP_PROTO, h[0], l, 8);
    unsigned frag = be16(h + 2);
    if ((frag & 0xfff9) == 0)
        return next;
    p->more_fragments = (frag & 1) != 0;
    p->frag_off = frag & 0xfff8;
    p->frag_id = be32(h + 4);
    p->frag_proto = h[0];
    return take_fragment(p, &next);
}

static struct layer gre(const struct layer *l)
{
    if (l->body.len < 4)
        return nothing;
    unsigned flags = be16(l->body.data), version = flags & 7;
    size_t head = 4;
    if (version > 1 || (flags & 0x4000) != 0)
        return nothing; /* source routes are history (RFC 2784) */
    head += (flags & 0x8000) != 0 ? 4 : 0;
    head += (flags & 0x2000) != 0 ? 4 : 0;
    head += (flags & 0x1000) != 0 ? 4 : 0;
    head += version == 1 && (flags & 0x0080) != 0 ? 4 : 0; /* PPTP, RFC 2637 */
    return inside(K_ETHERTYPE, be16(l->body.data + 2), l, head);
}

/* ---- TCP and UDP ----------------------------------------------------------------------------- */

static struct layer tcp(const struct layer *l, struct tw_packet *p)
{
    const uint8_t *h = l->body.data;
    size_t head = l->body.len < 20 ? 0 : (size_t)(h[12] >> 4) * 4;
    if (head < 20)
        return nothing;
    p->proto = TW_IPPROTO_TCP;
    p->src.port = (uint16_t)be16(h);
    p->dst.port = (uint16_t)be16(h + 2);
    p->seq = be32(h + 4);
    p->ack = be32(h + 8);
    p->flags = h[13];
    p->missing = l->missing;
    if (head > l->body.len) { /* options were cut by the snap length */
        size_t cut = head - l->body.len;
        p->missing = p->missing > cut ? p->missing - cut : 0;
        head = l->body.len;
    }
    p->payload = (struct tw_view){h + head, l->body.len - head};
    return (struct layer){K_DONE, 0, {NULL, 0}, 0};
}

static struct layer geneve(const struct layer *l)
{
    const uint8_t *h = l->body.data;
    if (l->body.len < 8 || h[0] >> 6 != 0)
        return nothing;
    return inside(K_ETHERTYPE, be16(h + 2), l, 8 + (size_t)(h[0] & 0x3f) * 4);
}

static struct layer teredo(const struct layer *l)
{
    const uint8_t *h = l->body.data;
    size_t at = 0;
    if (l->body.len >= 4 && h[0] == 0 && h[1] == 1) /* authentication */
        at = 13 + (size_t)h[2] + h[3];
    if (l->body.len >= at + 8 && h[at] == 0 && h[at + 1] == 0)
        at += 8; /* origin indication */
    if (l->body.len < at + 40 || h[at] >> 4 != 6)
        return nothing;
    return inside(K_IP_ANY, 0, l, at);
}

static struct layer gtpu(const struct layer *l)
{
    const uint8_t *h = l->body.data;
    if (l->body.len < 12 || (h[0] & 0xf0) != 0x30 || h[1] != 255)
        return nothing;
    size_t at = (h[0] & 7) != 0 ? 12 : 8;
    unsigned next = (h[0] & 4) != 0 ? h[11] : 0;
    while (next != 0 && at < l->body.len) { /* extension headers in units of 4 bytes */
        size_t n = (size_t)h[at] * 4;
        if (n == 0 || l->body.len < at + n)
            return nothing;
        next = h[at + n - 1];
        at += n;
    }
    unsigned version = at < l->body.len ? h[at] >> 4 : 0;
    return version == 4 || version == 6 ? inside(K_IP_ANY, 0, l, at) : nothing;
}

static struct layer tunnel_in_udp(const struct layer *l, const struct tw_packet *p)
{
    const uint8_t *h = l->body.data;
    switch (p->dst.port) {
    case UDP_VXLAN:
    case UDP_VXLAN_LINUX:
        return l->body.len < 8 || h[0] != 8 ? nothing : inside(K_LINK, LINK_ETHERNET, l, 8);
    case UDP_GENEVE:
        return geneve(l);
    case UDP_GTPU:
        return gtpu(l);
    default:
        break;
    }
    if (p->dst.port == UDP_TEREDO || p->src.port == UDP_TEREDO)
        return teredo(l);
    return nothing;
}

static struct layer udp(const struct layer *l, struct tw_packet *p)
{
    const uint8_t *h = l->body.data;
    if (l->body.len < 8)
        return nothing;
    struct layer body = inside(K_NOTHING, 0, l, 8);
    size_t len = be16(h + 4);
    if (len >= 8)
        bound(&body, len - 8);
    p->src.port = (uint16_t)be16(h);
    p->dst.port = (uint16_t)be16(h + 2);
    struct layer next = tunnel_in_udp(&body, p);
    if (next.kind != K_NOTHING)
        return next;
    p->proto = TW_IPPROTO_UDP;
    p->payload = body.body;
    p->missing = body.missing;
    return (struct layer){K_DONE, 0, {NULL, 0}, 0};
}

static struct layer options(const struct layer *l)
{
    if (l->body.len < 8)
        return nothing;
    const uint8_t *h = l->body.data;
    size_t len = l->type == IP_AH ? ((size_t)h[1] + 2) * 4 : ((size_t)h[1] + 1) * 8;
    return inside(K_IP_PROTO, h[0], l, len);
}

static struct layer ip_proto(const struct layer *l, struct tw_packet *p)
{
    switch (l->type) {
    case TW_IPPROTO_TCP:
        return tcp(l, p);
    case TW_IPPROTO_UDP:
        return udp(l, p);
    case IP_IPV4:
    case IP_IPV6:
        return inside(K_IP_ANY, 0, l, 0);
    case IP_GRE:
        return gre(l);
    case IP_FRAGMENT:
        return fragment6(l, p);
    case IP_HOPOPTS:
    case IP_ROUTING:
    case IP_DSTOPTS:
    case IP_MOBILITY:
    case IP_AH:
        return options(l);
    default:
        return nothing;
    }
}

static bool peel(struct layer l, struct tw_packet *p)
{
    for (unsigned i = 0; i < MAX_LAYERS; i++) {
        switch (l.kind) {
        case K_DONE:
            return true;
        case K_NOTHING:
            return false;
        case K_LINK:
            l = link_layer(&l);
            break;
        case K_ETHERTYPE:
            l = ether_type(&l);
            break;
        case K_PPP:
            l = ppp(&l);
            break;
        case K_IP_ANY:
            l = ip_any(&l, p);
            break;
        case K_IP_PROTO:
            l = ip_proto(&l, p);
            break;
        }
    }
    return false;
}

bool tw_packet_decode(int linktype, struct tw_view frame, size_t wire_len, struct tw_packet *p)
{
    size_t missing = wire_len > frame.len ? wire_len - frame.len : 0;
    p->proto = 0;
    p->fragment = false;
    return linktype >= 0 && peel((struct layer){K_LINK, (unsigned)linktype, frame, missing}, p);
}

bool tw_packet_decode_body(uint8_t ip_proto_number, struct tw_view body, struct tw_packet *p)
{
    p->proto = 0;
    p->fragment = false;
    return peel((struct layer){K_IP_PROTO, ip_proto_number, body, 0}, p) && !p->fragment;
}

/* ---- text ------------------------------------------------------------------------------------ */

static size_t ipv6_text(const uint8_t *ip, char *buf, size_t cap)
{
    int best = -1, best_n = 1; /* longest run of two or more zero groups, RFC 5952 4.2 */
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && be16(ip + 2 * (i + n)) == 0)
            n++;
        if (n > best_n) {
            best = i;
            best_n = n;
        }
        i += n;
    }
    size_t at = 0;
    for (int i = 0; i < 8 && at + 6 < cap; i++) {
        if (i == best) {
            at += (size_t)snprintf(buf + at, cap - at, "::");
            i += best_n - 1;
            continue;
        }
        at += (size_t)snprintf(buf + at, cap - at, "%s%x", at > 0 && buf[at - 1] != ':' ? ":" : "",
                               be16(ip + 2 * i));
    }
    return at;
}

static size_t address(const struct tw_endpoint *e, char *buf, size_t cap)
{
    if (e->family == 6)
        return ipv6_text(e->ip, buf, cap);
    int n = snprintf(buf, cap, "%u.%u.%u.%u", e->ip[0], e->ip[1], e->ip[2], e->ip[3]);
    return n < 0 ? 0 : (size_t)n;
}

const char *tw_address_text(const struct tw_endpoint *e, char *buf, size_t cap)
{
    (void)address(e, buf, cap);
    return buf;
}

const char *tw_endpoint_text(const struct tw_endpoint *e, char *buf, size_t cap)
{
    size_t n = address(e, buf, cap);
    if (n < cap)
        snprintf(buf + n, cap - n, ":%u", e->port);
    return buf;
}
