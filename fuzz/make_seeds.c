/*
 * Writes seeds for the targets of the engine: whole handshakes between both roles, with the tables
 * and recipes that the targets use, so that mutations start where keys are in use. And, from the
 * same handshakes, their messages for the wire target.
 *
 *   make_seeds DIR      DIR/client, DIR/server, DIR/observer must exist
 */
#include "roles.h"

#include <sys/stat.h>

static const struct {
    const char *name;
    uint8_t client, server;
} pairs[] = {
    {"tls13", 0, 0},           {"tls13-client-cert", 0, 2}, {"tls12-ecdsa", 2, 64},
    {"tls12-rsa", 3, 8 | 64},  {"tls12-client-cert", 2, 2 | 64},
};

struct talk {
    struct tw_buf client, server, observer; /* what each target reads */
};

static void add_chunks(struct tw_buf *role, struct tw_buf *observer, uint8_t side,
                       struct tw_view v)
{
    while (v.len > 0) {
        uint8_t byte = fuzz_chunk_byte(v.len);
        struct tw_view part = tw_view_sub(v, 0, fuzz_chunk(byte));
        tw_wr_u8(role, byte);
        tw_wr_bytes(role, part);
        tw_wr_u8(observer, side);
        tw_wr_u8(observer, byte);
        tw_wr_bytes(observer, part);
        v = tw_view_sub(v, part.len, v.len);
    }
}

/* Everything that `from` has to say; false when it was silent. */
static bool carry(struct tw_conn *from, struct tw_conn *to, struct tw_buf *role,
                  struct tw_buf *observer, uint8_t side)
{
    struct tw_view out = tw_conn_output(from);
    if (out.len == 0)
        return false;
    add_chunks(role, observer, side, out);
    (void)!tw_conn_feed(to, 1, out);
    tw_conn_sent(from, 1, out.len);
    return true;
}

static bool run(struct talk *k, uint8_t client, uint8_t server)
{
    struct tw_crypto *cc = tw_crypto_fake(1), *sc = tw_crypto_fake(2);
    struct tw_trace *ct = tw_trace_new(1 << 22), *st = tw_trace_new(1 << 22);
    struct tw_conn_config ccfg = {.crypto = cc, .trace = ct, .conn = 1};
    struct tw_conn_config scfg = {.crypto = sc, .trace = st, .conn = 1};
    struct fuzz_server s;
    fuzz_client_config(&ccfg, client);
    fuzz_server_config(&s, &scfg, sc, server);
    struct tw_conn *c = tw_conn_new(&ccfg, TW_ROLE_CLIENT, 0);
    struct tw_conn *v = tw_conn_new(&scfg, TW_ROLE_SERVER, 0);
    tw_wr_u8(&k->client, client);
    tw_wr_u8(&k->server, server);
    tw_wr_u8(&k->observer, 0);
    bool moved = true, open = false;
    for (int i = 0; i < 20 && moved; i++) {
        moved = carry(c, v, &k->server, &k->observer, 0);
        moved = carry(v, c, &k->client, &k->observer, 1) || moved;
        if (!open && tw_conn_state(c) == TW_CONN_OPEN)
            moved = open = tw_conn_write(c, 1, tw_view_str("GET /")) == TW_OK;
    }
    tw_conn_free(c);
    tw_conn_free(v);
    tw_trace_free(ct);
    tw_trace_free(st);
    tw_crypto_free(cc);
    tw_crypto_free(sc);
    return open || (server & 2) != 0; /* without a certificate a client is refused */
}

static bool write_file(const char *dir, const char *target, const char *name, struct tw_buf *b)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", dir, target, name);
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(b->data, 1, b->len, f) == b->len;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "%s: cannot be written\n", path);
    tw_buf_cleanup(b);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = argc == 2;
    for (size_t i = 0; ok && i < TW_ARRAY_LEN(pairs); i++) {
        struct talk k;
        tw_buf_init(&k.client, 1 << 20);
        tw_buf_init(&k.server, 1 << 20);
        tw_buf_init(&k.observer, 1 << 20);
        if (!run(&k, pairs[i].client, pairs[i].server)) {
            fprintf(stderr, "%s: the handshake does not pass\n", pairs[i].name);
            ok = false;
        }
        ok = write_file(argv[1], "client", pairs[i].name, &k.client) && ok;
        ok = write_file(argv[1], "server", pairs[i].name, &k.server) && ok;
        ok = write_file(argv[1], "observer", pairs[i].name, &k.observer) && ok;
    }
    return ok ? 0 : 1;
}
