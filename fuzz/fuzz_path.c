/*
 * Several certificates at once, as sent, at hand, in the store, and CRLs, with every option. Whatever
 * comes: the search ends within its limits, what it gives is whole, and the facts are written.
 *
 * Input: 8 bytes of options, then records of one byte of kind (0 sent, 1 extra, 2 anchor, 3 CRL), two
 * bytes of length, and that many bytes.
 */
#include "x509/x509.h"

enum { MOST = 200, MEMORY = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

struct input {
    struct tw_view lists[4][MOST]; size_t n[4];
};

static void read_records(struct tw_reader *r, struct input *in)
{
    while (tw_rd_more(r)) {
        uint8_t kind = tw_rd_u8(r, "kind") % 4;
        struct tw_view v = tw_rd_vec(r, 2, "record");
        if (tw_rd_ok(r) && in->n[kind] < MOST)
            in->lists[kind][in->n[kind]++] = v;
    }
}

static void options(uint64_t o, struct tw_path_request *req)
{
    static const struct tw_view policy = {(const uint8_t *)"\x2a\x03\x04", 3};
    static const char *const email = "me@example.test";
    req->wall_time = 1764000000 + (int64_t)(o & 0xff) * 86400;
    req->name = o >> 8 & 1 ? "www.example.test" : NULL;
    req->policy = (enum tw_policy)(o >> 9 & 3) % 3;
    req->purpose = (enum tw_purpose)(o >> 11 & 7) % 5;
    req->level = (unsigned)(o >> 14 & 7);
    req->max_depth = (unsigned)(o >> 17 & 3);
    req->no_backtrack = o >> 19 & 1;
    req->no_partial = o >> 20 & 1;
    req->no_direct = o >> 21 & 1;
    req->sha1_ok = o >> 22 & 1;
    req->cn_ok = o >> 23 & 1;
    req->any_usage = o >> 24 & 1;
    req->allow_proxy = o >> 25 & 1;
    req->explicit_policy = o >> 26 & 1;
    req->inhibit_mapping = o >> 27 & 1;
    req->inhibit_any = o >> 28 & 1;
    req->crl_all = o >> 29 & 1;
    req->policies = &policy;
    req->policies_n = o >> 30 & 1;
    req->emails = &email;
    req->emails_n = o >> 31 & 1;
}

static void whole(const struct tw_paths *p)
{
    require(p->n <= TW_PATH_MAX_KEPT && p->notes_n <= TW_CHAIN_MAX_NOTES);
    for (size_t i = 0; i < p->n; i++) {
        const struct tw_path *x = &p->kept[i];
        require(x->n >= 1 && x->n <= TW_PATH_MAX_STEPS && x->faults_n <= TW_PATH_MAX_FAULTS);
        require(i == 0 || x->score >= p->kept[i - 1].score || p->limited);
        require(x->anchored || x->faults_n > 0); /* nothing is good without an anchor */
        for (size_t k = 0; k < x->faults_n; k++)
            require(x->faults[k].text != NULL && x->faults[k].step < (int)x->n);
    }
    for (size_t i = 0; i < p->notes_n; i++)
        require(p->notes[i].place < (int)p->certs_n && p->notes[i].text != NULL);
}

static void search(const struct tw_path_request *req)
{
    struct tw_arena *arena = tw_arena_new(MEMORY);
    struct tw_trace *t = tw_trace_new(4 << 20);
    struct tw_paths *p = NULL;
    struct tw_buf pem;
    require(arena != NULL && t != NULL);
    tw_buf_init(&pem, 1 << 20);
    if (tw_path_find(req, arena, &p) == TW_OK) {
        require((p->n > 0) == (req->certs_n > 0));
        whole(p);
        tw_path_tell(req, p, t, 1, 0);
        require(tw_path_write_chain(p, &pem) == (p->n > 0 && p->kept[0].anchored));
        tw_trace_write_chain(t, &pem);
    }
    tw_buf_cleanup(&pem);
    tw_trace_free(t);
    tw_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_reader r = tw_rd_of(tw_view_of(data, size));
    struct input *in = calloc(1, sizeof *in);
    struct tw_crypto *crypto = tw_crypto_fake(1);
    struct tw_path_request req = {.crypto = crypto};
    size_t damaged = 0;
    require(in != NULL && crypto != NULL);
    options(tw_rd_uint(&r, 8, "options"), &req);
    read_records(&r, in);
    req.certs = in->lists[0];
    req.certs_n = in->n[0];
    req.extra = in->lists[1];
    req.extra_n = in->n[1];
    req.crls = in->lists[3];
    req.crls_n = in->n[3];
    req.trust = tw_trust_new("fuzz");
    req.cache = tw_sig_cache_new(16);
    require(req.trust != NULL && req.cache != NULL);
    for (size_t i = 0; i < in->n[2]; i++)
        tw_trust_add(req.trust, in->lists[2][i], &damaged);
    search(&req);
    search(&req); /* with the cache warm */
    tw_sig_cache_free(req.cache);
    tw_trust_free(req.trust);
    tw_crypto_free(crypto);
    free(in);
    return 0;
}
