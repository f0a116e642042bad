/*
 * The same handshake by libssl, for comparison: a client and a server over memory BIOs, TLS 1.3,
 * X25519, AES-128-GCM, chain and name verified at the same time, no tickets. Only the client's CPU
 * time counts; contexts and the trust store are made once, as a program that makes many
 * connections does.
 */
#include "bench.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

struct libssl {
    SSL_CTX *client, *server;
};

static bool set_up_server(SSL_CTX *s, const struct bench_certs *c)
{
    struct tw_buf key;
    tw_buf_init(&key, 65536);
    bool ok = tw_pem_write_key(c->server[0]->key, &key) == TW_OK;
    BIO *b = ok ? BIO_new_mem_buf(key.data, (int)key.len) : NULL;
    EVP_PKEY *pkey = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    for (size_t i = 0; pkey != NULL && i < c->server[0]->chain_n; i++) {
        const unsigned char *p = c->server[0]->chain[i].data;
        X509 *x = d2i_X509(NULL, &p, (long)c->server[0]->chain[i].len);
        ok = ok && x != NULL &&
             (i == 0 ? SSL_CTX_use_certificate(s, x) : SSL_CTX_add1_chain_cert(s, x)) == 1;
        X509_free(x);
    }
    ok = ok && pkey != NULL && SSL_CTX_use_PrivateKey(s, pkey) == 1 &&
         SSL_CTX_set_num_tickets(s, 0) == 1;
    EVP_PKEY_free(pkey);
    BIO_free(b);
    tw_buf_cleanup(&key);
    return ok;
}

static bool set_up_client(SSL_CTX *s, const struct bench_certs *c)
{
    BIO *b = BIO_new_mem_buf(c->root_pem.data, (int)c->root_pem.len);
    X509 *root = b == NULL ? NULL : PEM_read_bio_X509(b, NULL, NULL, NULL);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(s), BENCH_TIME);
    SSL_CTX_set_verify(s, SSL_VERIFY_PEER, NULL);
    bool ok = root != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(s), root) == 1 &&
              SSL_CTX_set1_groups_list(s, "X25519") == 1 &&
              SSL_CTX_set_ciphersuites(s, "TLS_AES_128_GCM_SHA256") == 1;
    X509_free(root);
    BIO_free(b);
    return ok;
}

struct libssl *libssl_new(const struct bench_certs *c)
{
    struct libssl *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->client = SSL_CTX_new(TLS_client_method());
    l->server = SSL_CTX_new(TLS_server_method());
    if (l->client != NULL && l->server != NULL && set_up_server(l->server, c) &&
        set_up_client(l->client, c))
        return l;
    libssl_free(l);
    return NULL;
}

void libssl_free(struct libssl *l)
{
    if (l == NULL)
        return;
    SSL_CTX_free(l->client);
    SSL_CTX_free(l->server);
    free(l);
}

static SSL *client_new(struct libssl *l, BIO **in, BIO **out)
{
    SSL *s = SSL_new(l->client);
    *in = BIO_new(BIO_s_mem());
    *out = BIO_new(BIO_s_mem());
    SSL_set_bio(s, *in, *out);
    SSL_set_tlsext_host_name(s, "bench.example");
    SSL_set1_host(s, "bench.example");
    SSL_set_connect_state(s);
    return s;
}

uint64_t libssl_handshake(struct libssl *l)
{
    uint8_t wire[16384];
    BIO *cin, *cout, *sin = BIO_new(BIO_s_mem()), *sout = BIO_new(BIO_s_mem());
    SSL *s = SSL_new(l->server);
    SSL_set_bio(s, sin, sout);
    SSL_set_accept_state(s);
    uint64_t spent = 0, start = bench_cpu();
    SSL *c = client_new(l, &cin, &cout);
    bool done = false;
    for (int i = 0; i < 4 && !done; i++) {
        done = SSL_do_handshake(c) == 1;
        int n = BIO_read(cout, wire, sizeof wire);
        spent += bench_cpu() - start;
        if (n > 0)
            BIO_write(sin, wire, n);
        SSL_do_handshake(s);
        n = BIO_read(sout, wire, sizeof wire);
        start = bench_cpu();
        if (n > 0)
            BIO_write(cin, wire, n);
    }
    SSL_free(c);
    spent += bench_cpu() - start;
    done = done && SSL_is_init_finished(s);
    SSL_free(s);
    return done ? spent : 0;
}
