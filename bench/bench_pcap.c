/*
 * Makes the capture that bench_pcap.py measures on, and reads one in the cheapest way there is.
 *
 *   bench_pcap make FILE CONNECTIONS KIB AT_ONCE   handshakes of our engine, then application data
 *   bench_pcap count FILE                          a loop over libpcap that only counts
 *
 * Handshakes are real ones: TLS 1.3 and 1.2 in turn, 64 different leaves, made once and written
 * with other addresses, ports and sequence numbers each time. One in 100 fails: the server answers
 * with an alert.
 */
#include "bench.h"

#include "engine/engine.h"

#include <pcap/pcap.h>

enum { SCRIPTS = 128, MSS = 1448, STEPS = 16, FAIL_EVERY = 100, HEADS = 14 + 20 + 32 };
enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

struct step {
    bool server;
    struct tw_buf bytes;
};
struct script {
    struct step step[STEPS];
    size_t n;
};

/* ---- one handshake --------------------------------------------------------------------------- */

static bool note(struct script *s, bool server, struct tw_view v)
{
    if (v.len == 0 || s->n == STEPS)
        return v.len == 0;
    struct step *k = &s->step[s->n++];
    k->server = server;
    tw_buf_init(&k->bytes, 1 << 20);
    return tw_buf_add(&k->bytes, v.data, v.len);
}

static bool pass(struct script *s, struct tw_conn *from, struct tw_conn *to, bool server)
{
    struct tw_view out = tw_conn_output(from);
    bool ok = note(s, server, out);
    enum tw_status st = tw_conn_feed(to, 1, out);
    tw_conn_sent(from, 1, out.len);
    return ok && (st == TW_OK || st == TW_STOPPED);
}

static bool play(struct script *s, struct tw_crypto *c, struct tw_credential *cred,
                 uint16_t version, bool fails)
{
    struct tw_hello hello;
    struct tw_server_config sc = {.creds = &cred, .creds_n = 1};
    struct tw_hello wide;
    tw_hello_default(&hello);
    tw_hello_wide(&wide);
    sc.versions = wide.versions;
    sc.ciphers = wide.ciphers;
    sc.groups = hello.groups;
    sc.sigalgs = wide.sigalgs;
    sc.tickets = true;
    sc.faults.alert_on_hello = fails ? TW_ALERT_HANDSHAKE_FAILURE + 1 : 0;
    snprintf(hello.server_name, sizeof hello.server_name, "bench.example");
    tw_hello_limit_versions(&hello, TW_TLS12, version);
    struct tw_trace *ct = tw_trace_new(16 << 20), *st = tw_trace_new(16 << 20);
    struct tw_conn_config ccfg = {.crypto = c, .trace = ct, .conn = 1, .hello = hello};
    struct tw_conn_config scfg = {.crypto = c, .trace = st, .conn = 1, .server = &sc};
    struct tw_conn *client = tw_conn_new(&ccfg, TW_ROLE_CLIENT, 1),
                   *server = tw_conn_new(&scfg, TW_ROLE_SERVER, 1);
    bool ok = client != NULL && server != NULL;
    for (int i = 0; ok && i < 3; i++)
        ok = pass(s, client, server, false) && pass(s, server, client, true);
    ok = ok && (fails || tw_conn_state(client) == TW_CONN_OPEN);
    tw_conn_free(client);
    tw_conn_free(server);
    tw_trace_free(ct);
    tw_trace_free(st);
    return ok;
}

/* ---- frames ---------------------------------------------------------------------------------- */

struct flow {
    uint32_t id, seq[2];
    size_t at, sent; /* step, bytes of it; then the records of application data */
    size_t data_left, record_left;
    bool open, done;
};

struct maker {
    FILE *out;
    uint64_t us;
    struct script *scripts;
    size_t kib;
    uint8_t pad[MSS];
};

static void put(uint8_t *p, unsigned n, uint32_t v)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

/* pcap's fields are in this machine's byte order, the packet's in the network's. */
static void frame(struct maker *m, struct flow *f, bool server, unsigned flags, const void *data,
                  size_t n)
{
    uint8_t h[HEADS] = {0};
    uint32_t client_ip = 0x0a000000u + f->id / 40000, server_ip = 0xc0a80000u + f->id % 50;
    unsigned client_port = 10000 + f->id % 40000;
    uint32_t rec[4] = {(uint32_t)(m->us / 1000000), (uint32_t)(m->us % 1000000),
                       (uint32_t)(HEADS + n), (uint32_t)(HEADS + n)};
    m->us += 5;
    h[12] = 8;
    h[14] = 0x45;
    put(h + 16, 2, (uint32_t)(20 + 32 + n));
    h[22] = 64;
    h[23] = 6;
    put(h + 26, 4, server ? server_ip : client_ip);
    put(h + 30, 4, server ? client_ip : server_ip);
    put(h + 34, 2, server ? 443 : client_port);
    put(h + 36, 2, server ? client_port : 443);
    put(h + 38, 4, f->seq[server]);
    put(h + 42, 4, f->seq[!server]);
    h[46] = 8 << 4;
    h[47] = (uint8_t)flags;
    f->seq[server] += (uint32_t)n + ((flags & (SYN | FIN)) != 0);
    fwrite(rec, sizeof rec, 1, m->out);
    fwrite(h, sizeof h, 1, m->out);
    fwrite(data, 1, n, m->out);
}

static void open_flow(struct maker *m, struct flow *f)
{
    f->open = true;
    f->seq[0] = f->id * 2654435761u;
    f->seq[1] = ~f->seq[0];
    f->data_left = m->kib * 1024;
    frame(m, f, false, SYN, NULL, 0);
    frame(m, f, true, SYN | ACK, NULL, 0);
    frame(m, f, false, ACK, NULL, 0);
}

static void close_flow(struct maker *m, struct flow *f)
{
    frame(m, f, true, FIN | ACK, NULL, 0);
    frame(m, f, false, FIN | ACK, NULL, 0);
    frame(m, f, true, ACK, NULL, 0);
    f->done = true;
}

/* A segment of the server's application data; its records have 16 KiB. */
static void data_frame(struct maker *m, struct flow *f)
{
    uint8_t seg[MSS];
    size_t n = 0;
    while (n < MSS && (f->data_left > 0 || f->record_left > 0)) {
        if (f->record_left == 0) {
            if (MSS - n < 5)
                break;
            size_t len = f->data_left < 16000 ? f->data_left : 16000;
            const uint8_t head[5] = {23, 3, 3, (uint8_t)(len >> 8), (uint8_t)len};
            memcpy(seg + n, head, 5);
            n += 5;
            f->data_left -= len;
            f->record_left = len;
        }
        size_t k = f->record_left < MSS - n ? f->record_left : MSS - n;
        memcpy(seg + n, m->pad, k);
        n += k;
        f->record_left -= k;
    }
    frame(m, f, true, ACK | PSH, seg, n);
}

/* A few frames of one connection. */
static void advance(struct maker *m, struct flow *f)
{
    const struct script *s = &m->scripts[f->id % FAIL_EVERY == 0 ? SCRIPTS : f->id % SCRIPTS];
    if (!f->open) {
        open_flow(m, f);
        return;
    }
    if (f->at < s->n) {
        const struct step *k = &s->step[f->at];
        size_t n = k->bytes.len - f->sent < MSS ? k->bytes.len - f->sent : MSS;
        frame(m, f, k->server, ACK | PSH, k->bytes.data + f->sent, n);
        f->sent += n;
        if (f->sent == k->bytes.len) {
            frame(m, f, !k->server, ACK, NULL, 0);
            f->at++;
            f->sent = 0;
        }
        return;
    }
    if (s == &m->scripts[SCRIPTS])
        f->data_left = 0;
    if (f->data_left == m->kib * 1024 && f->data_left > 0) {
        uint8_t request[5 + 300] = {23, 3, 3, 300 >> 8, 300 & 255};
        frame(m, f, false, ACK | PSH, request, sizeof request);
    }
    if (f->data_left == 0 && f->record_left == 0) {
        close_flow(m, f);
        return;
    }
    for (int i = 0; i < 2 && (f->data_left > 0 || f->record_left > 0); i++)
        data_frame(m, f);
    frame(m, f, false, ACK, NULL, 0);
}

static int make(const char *path, size_t n, size_t kib, size_t at_once)
{
    struct tw_crypto *c = tw_crypto_new();
    struct bench_certs certs;
    struct maker m = {.us = (uint64_t)BENCH_TIME * 1000000, .kib = kib};
    struct flow *flows = calloc(at_once, sizeof *flows);
    m.scripts = calloc(SCRIPTS + 1, sizeof *m.scripts);
    m.out = fopen(path, "wb");
    if (c == NULL || flows == NULL || m.scripts == NULL || m.out == NULL ||
        !bench_certs_make(&certs, c))
        return bench_fail("setting up");
    for (size_t i = 0; i <= SCRIPTS; i++)
        if (!play(&m.scripts[i], c, certs.server[i % BENCH_LEAVES], i % 2 ? TW_TLS12 : TW_TLS13,
                  i == SCRIPTS))
            return bench_fail("a handshake");
    for (size_t i = 0; i < sizeof m.pad; i++)
        m.pad[i] = (uint8_t)(i * 167 + 13);
    const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
    fwrite(head, sizeof head, 1, m.out);
    size_t next = 1, left = n;
    for (size_t i = 0; i < at_once; i++)
        flows[i].done = true;
    while (left > 0) {
        for (size_t i = 0; i < at_once && left > 0; i++) {
            if (flows[i].done && next <= n)
                flows[i] = (struct flow){.id = (uint32_t)next++};
            if (flows[i].done)
                continue;
            advance(&m, &flows[i]);
            left -= flows[i].done;
        }
    }
    return fclose(m.out) == 0 ? 0 : bench_fail("writing");
}

static int count(const char *path)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *p = pcap_open_offline(path, why);
    struct pcap_pkthdr *h;
    const u_char *data;
    unsigned long long frames = 0, bytes = 0;
    if (p == NULL)
        return bench_fail(why);
    while (pcap_next_ex(p, &h, &data) == 1) {
        frames++;
        bytes += h->caplen;
    }
    pcap_close(p);
    printf("%llu %llu\n", frames, bytes);
    return 0;
}

int bench_fail(const char *what)
{
    fprintf(stderr, "bench_pcap: %s failed\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "make") == 0)
        return make(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
                    strtoul(argv[5], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "count") == 0)
        return count(argv[2]);
    fprintf(stderr, "usage: bench_pcap make FILE CONNECTIONS KIB AT_ONCE | count FILE\n");
    return 2;
}
