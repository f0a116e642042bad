/*
 * One handshake of the client engine with a server, over a blocking socket. The trace goes to
 * stdout as JSON lines, one line of summary to stderr. For the interop suite and for trying things
 * by hand; the product's driver is in src/probe.
 *
 *   hs_once [options] ADDRESS PORT
 *     --wide             offer everything (default: the default ClientHello)
 *     --min V --max V    versions, e.g. 1.0
 *     --sni NAME         server_name (default: none)
 *     --cipher NAME      offer only this suite (repeatable)
 *     --group NAME       offer only this group, --share NAME send only this share (repeatable)
 *     --drop-ext N       leave an extension out, --add-ext N list one more
 *     --cert F --key F   client certificate
 *     --psk HEX --psk-id ID  for the PSK suites below TLS 1.3
 *     --psk13            offer that key as an external PSK of TLS 1.3 (SHA-256) too
 *     --send TEXT        application data after the handshake ("\r\n" is added twice); app= in the
 *                        summary says how many bytes came back
 *     --resume           connect a second time with the session of the first
 *     --count N          handshakes in a row, only the last one's trace is printed
 *     --secrets          SECRET facts
 *     --quiet            no trace
 * Exit status: 0 handshake complete (and resumed, when asked for), 1 not, 2 usage.
 */
#include "engine/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct options {
    struct tw_hello hello;
    const char *address, *cert, *key, *send;
    int port;
    struct tw_buf psk;
    const char *psk_id;
    bool resume, secrets, quiet, psk13;
    int count;
};

struct outcome {
    bool complete, resumed, have_session;
    struct tw_session session;
    uint64_t ns;
    size_t app; /* bytes of application data that came back */
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int dial(const struct options *o)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || inet_pton(AF_INET, o->address, &a.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("connect");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static bool flush(struct tw_conn *c, int fd)
{
    struct tw_view out = tw_conn_output(c);
    while (out.len > 0) {
        ssize_t n = send(fd, out.data, out.len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        tw_conn_sent(c, now_ns(), (size_t)n);
        out = tw_conn_output(c);
    }
    return true;
}

/* One step: wait for bytes (ms), feed them. False when the conversation is over. */
static bool step(struct tw_conn *c, int fd, int ms)
{
    static uint8_t buf[65536];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, ms);
    if (ready <= 0) {
        tw_conn_end(c, now_ns(), "timeout", 0);
        return false;
    }
    ssize_t n = recv(fd, buf, sizeof buf, 0);
    if (n <= 0) {
        tw_conn_end(c, now_ns(), n == 0 ? "fin" : errno == ECONNRESET ? "rst" : "error",
                    n == 0 ? 0 : errno);
        return false;
    }
    enum tw_status st = tw_conn_feed(c, now_ns(), tw_view_of(buf, (size_t)n));
    return flush(c, fd) && st == TW_OK;
}

static void talk(struct tw_conn *c, int fd, const struct options *o)
{
    bool alive = flush(c, fd);
    while (alive && tw_conn_state(c) == TW_CONN_HANDSHAKING)
        alive = step(c, fd, 3000);
    if (tw_conn_state(c) != TW_CONN_OPEN)
        return;
    if (o->send != NULL) {
        struct tw_buf text;
        tw_buf_init(&text, 65536);
        tw_buf_printf(&text, "%s\r\n\r\n", o->send);
        if (tw_conn_write(c, now_ns(), tw_buf_view(&text)) != TW_OK)
            fprintf(stderr, "write failed\n");
        tw_buf_cleanup(&text);
        alive = flush(c, fd);
        while (alive && tw_conn_app_data(c).len == 0)
            alive = step(c, fd, 2000);
    } else if (o->resume || o->count <= 1) { /* tickets, late alerts */
        struct pollfd p = {.fd = fd, .events = POLLIN};
        while (alive && poll(&p, 1, 100) > 0)
            alive = step(c, fd, 100);
    }
    if (tw_conn_state(c) == TW_CONN_OPEN) {
        tw_conn_close(c, now_ns());
        flush(c, fd);
        tw_conn_end(c, now_ns(), "stopped", 0);
    }
}

static void summarize(const struct tw_trace *t, uint32_t conn, const struct outcome *r)
{
    struct tw_conn_view v;
    char a[64], b[96];
    tw_conn_digest(t, conn, &v);
    const struct tw_fact *bad = v.local;
    fprintf(stderr, "%s %s %s group=%04x sig=%04x alpn=%s%s%s alert=%d ours=%d %s%s app=%zu facts=%zu "
                    "%.2fms\n",
            r->complete ? "COMPLETE" : "FAILED", tw_version_label(v.version, a, sizeof a),
            tw_suite_label(v.cipher, b, sizeof b), v.group, v.sigscheme, v.alpn ? v.alpn : "-",
            v.resumed ? " resumed" : "", v.hello_retry ? " hrr" : "", v.alert, v.our_alert,
            bad != NULL ? bad->field : "", bad != NULL && bad->text ? bad->text : "",
            r->app, tw_trace_count(t), (double)r->ns / 1e6);
}

static bool run(struct tw_crypto *crypto, const struct options *o, struct tw_credential *cred,
                struct tw_trace *t, uint32_t conn, const struct tw_session *session,
                struct outcome *r)
{
    *r = (struct outcome){0};
    int fd = dial(o);
    if (fd < 0)
        return false;
    struct tw_conn_config cfg = {.crypto = crypto,
                                 .trace = t,
                                 .conn = conn,
                                 .trace_start = now_ns(),
                                 .hello = o->hello,
                                 .client_cred = cred,
                                 .session = session,
                                 .psk_identity = tw_view_str(o->psk_id),
                                 .psk = tw_buf_view(&o->psk),
                                 .record_secrets = o->secrets};
    struct tw_conn *c = tw_conn_new(&cfg, TW_ROLE_CLIENT, cfg.trace_start);
    if (c == NULL) {
        close(fd);
        return false;
    }
    talk(c, fd, o);
    r->ns = now_ns() - cfg.trace_start;
    r->app = tw_conn_app_data(c).len;
    r->complete = tw_trace_first(t, conn, TW_FACT_COMPLETE, NULL) != NULL;
    r->resumed = tw_trace_first(t, conn, TW_FACT_NEGOTIATED, "resumed") != NULL;
    r->have_session = tw_conn_session(c, &r->session);
    tw_conn_free(c);
    close(fd);
    if (!o->quiet || o->count <= 1)
        summarize(t, conn, r);
    return r->complete;
}

/* RFC 8446 4.2.11: the hash of an external PSK is SHA-256 unless said otherwise. */
static const struct tw_session *external_psk(const struct options *o, struct tw_session *s)
{
    size_t id_len = o->psk_id == NULL ? 0 : strlen(o->psk_id);
    if (!o->psk13 || o->psk.len > sizeof s->secret || id_len > sizeof s->ticket)
        return NULL;
    *s = (struct tw_session){.version = TW_TLS13, .cipher = 0x1301, .secret_len = o->psk.len,
                             .ticket_len = id_len, .external_psk = true};
    memcpy(s->secret, o->psk.data, o->psk.len);
    memcpy(s->ticket, o->psk_id, id_len);
    return s;
}

static struct tw_buf slurp(const char *path)
{
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    FILE *f = fopen(path, "rb");
    uint8_t part[4096];
    size_t n;
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        tw_buf_add(&b, part, n);
    fclose(f);
    return b;
}

static struct tw_credential *load(struct tw_crypto *crypto, const struct options *o)
{
    struct tw_credential *cred = NULL;
    const char *why = NULL;
    if (o->cert == NULL)
        return NULL;
    struct tw_buf cert = slurp(o->cert), key = slurp(o->key != NULL ? o->key : o->cert);
    if (tw_credential_load(crypto, tw_buf_view(&cert), tw_buf_view(&key), NULL, &cred, &why) !=
        TW_OK) {
        fprintf(stderr, "%s: %s\n", o->cert, why != NULL ? why : "cannot be read");
        exit(2);
    }
    tw_buf_cleanup(&cert);
    tw_buf_cleanup(&key);
    return cred;
}

static void add_group(struct tw_u16list *l, const char *name, bool *fresh)
{
    const struct tw_group *g = tw_group_by_name(name);
    if (g == NULL) {
        fprintf(stderr, "unknown group %s\n", name);
        exit(2);
    }
    if (*fresh)
        l->n = 0;
    *fresh = false;
    tw_u16list_add(l, g->id);
}

static void add_cipher(struct tw_u16list *l, const char *name, bool *fresh)
{
    const struct tw_suite *s = tw_suite_by_name(name);
    if (s == NULL) {
        fprintf(stderr, "unknown suite %s\n", name);
        exit(2);
    }
    if (*fresh)
        l->n = 0;
    *fresh = false;
    tw_u16list_add(l, s->id);
}

static bool parse(int argc, char **argv, struct options *o)
{
    uint16_t min = TW_TLS10, max = TW_TLS13;
    bool fresh_cipher = true, fresh_group = true, fresh_share = true;
    int i = 1;
    tw_hello_default(&o->hello);
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *a = argv[i] + 2, *v = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(a, "wide") == 0) {
            tw_hello_wide(&o->hello);
            continue;
        } else if (strcmp(a, "resume") == 0) {
            o->resume = true;
            continue;
        } else if (strcmp(a, "secrets") == 0) {
            o->secrets = true;
            continue;
        } else if (strcmp(a, "psk13") == 0) {
            o->psk13 = true;
            continue;
        } else if (strcmp(a, "quiet") == 0) {
            o->quiet = true;
            continue;
        }
        i++;
        if (strcmp(a, "min") == 0)
            min = tw_version_parse(v);
        else if (strcmp(a, "max") == 0)
            max = tw_version_parse(v);
        else if (strcmp(a, "sni") == 0)
            tw_copy_str(o->hello.server_name, sizeof o->hello.server_name, v);
        else if (strcmp(a, "cipher") == 0)
            add_cipher(&o->hello.ciphers, v, &fresh_cipher);
        else if (strcmp(a, "group") == 0)
            add_group(&o->hello.groups, v, &fresh_group);
        else if (strcmp(a, "share") == 0)
            add_group(&o->hello.shares, v, &fresh_share);
        else if (strcmp(a, "drop-ext") == 0)
            tw_hello_drop_ext(&o->hello, (uint16_t)strtol(v, NULL, 0));
        else if (strcmp(a, "add-ext") == 0)
            o->hello.order[o->hello.order_n++] = (uint16_t)strtol(v, NULL, 0);
        else if (strcmp(a, "cert") == 0)
            o->cert = v;
        else if (strcmp(a, "key") == 0)
            o->key = v;
        else if (strcmp(a, "psk-id") == 0)
            o->psk_id = v;
        else if (strcmp(a, "send") == 0)
            o->send = v;
        else if (strcmp(a, "count") == 0)
            o->count = (int)strtol(v, NULL, 10);
        else if (strcmp(a, "psk") == 0) {
            uint8_t key[256];
            size_t n = 0;
            if (!tw_unhex(v, key, sizeof key, &n))
                return false;
            tw_buf_add(&o->psk, key, n);
        } else
            return false;
    }
    if (argc - i != 2 || o->hello.order_n > TW_HELLO_MAX_EXT)
        return false;
    if (min > TW_TLS10 || max < TW_TLS13)
        tw_hello_limit_versions(&o->hello, min, max);
    o->address = argv[i];
    o->port = (int)strtol(argv[i + 1], NULL, 10);
    return true;
}

int main(int argc, char **argv)
{
    static struct options o;
    tw_buf_init(&o.psk, 256);
    o.count = 1;
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: hs_once [options] ADDRESS PORT\n");
        return 2;
    }
    struct tw_crypto *crypto = tw_crypto_new();
    if (crypto == NULL)
        return 2;
    struct tw_credential *cred = load(crypto, &o);
    static struct outcome r, again;
    static struct tw_session psk_session;
    const struct tw_session *psk = external_psk(&o, &psk_session);
    struct tw_trace *t = NULL;
    bool ok = true;
    uint64_t start = now_ns();
    for (int i = 0; i < o.count && ok; i++) {
        tw_trace_free(t);
        t = tw_trace_new(64 << 20);
        ok = run(crypto, &o, cred, t, 1, psk, &r);
    }
    if (o.count > 1)
        fprintf(stderr, "%d handshakes, %.1f us each\n", o.count,
                (double)(now_ns() - start) / 1e3 / o.count);
    if (ok && o.resume)
        ok = r.have_session && run(crypto, &o, cred, t, 2, &r.session, &again) && again.resumed;
    struct tw_buf text;
    tw_buf_init(&text, 256 << 20);
    if (!o.quiet && tw_trace_save(t, &text) == TW_OK)
        fwrite(text.data, 1, text.len, stdout);
    tw_buf_cleanup(&text);
    tw_buf_cleanup(&o.psk);
    tw_trace_free(t);
    tw_credential_free(cred);
    tw_crypto_free(crypto);
    return ok ? 0 : 1;
}
