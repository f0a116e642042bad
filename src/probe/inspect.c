/*
 * Certificate files instead of a server: the chain in them becomes the facts that a handshake would
 * have given, is judged by the same path engine and rules, and shown by the same reports.
 */
#include "probe/probe.h"
#include "x509/crl.h"
#include "x509/revocation.h"

#include <time.h>

enum { MAX_FILE = 4 << 20, MAX_LIST = 128, MAX_DER = 8 << 20, CONN = 1 };

struct list {
    struct tw_buf der;
    struct tw_view views[MAX_LIST];
    size_t ends[MAX_LIST], n;
};

static void setting(struct tw_result *r, const char *field, const char *text, int64_t num)
{
    tw_trace_add(r->trace, (struct tw_fact){.kind = TW_FACT_SETTING, .msg = TW_NO_MSG, .field = field,
                                            .text = text, .num = num});
}

/* PEM blocks, or one certificate as DER. */
static void add_certs(struct list *l, struct tw_view in)
{
    size_t pos = 0, damaged = 0, before = l->n;
    while (l->n < MAX_LIST && tw_pem_next_cert(in, &pos, &l->der, &damaged))
        l->ends[l->n++] = l->der.len;
    if (l->n == before && l->n < MAX_LIST && in.len > 2 && in.data[0] == 0x30 &&
        tw_buf_add(&l->der, in.data, in.len))
        l->ends[l->n++] = l->der.len;
}

static void add_crls(struct list *l, struct tw_view in)
{
    size_t pos = 0;
    while (l->n < MAX_LIST && tw_crl_next_pem(in, &pos, &l->der))
        l->ends[l->n++] = l->der.len;
}

/* The buffer does not grow any more: views into it can be taken. */
static void finish(struct list *l)
{
    for (size_t i = 0, at = 0; i < l->n; at = l->ends[i++])
        l->views[i] = tw_view_of(l->der.data + at, l->ends[i] - at);
}

static void note_certs(struct tw_result *r, const struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        tw_trace_add(r->trace, (struct tw_fact){.kind = TW_FACT_CERTIFICATE, .conn = CONN,
                                                .from = TW_SERVER, .num = (int64_t)i,
                                                .data = l->views[i]});
}

static void note_settings(struct tw_result *r, const struct tw_options *o, const char *file)
{
    static const char *const policies[] = {"rfc5280", "strict", "webpki"};
    static const char *const purposes[] = {"server", "client", "any"};
    setting(r, "input", file, 0);
    setting(r, "vantage", "inspect", 0);
    setting(r, "verify_name", o->verify_name == NULL ? "" : o->verify_name, 0);
    setting(r, "wall_time", NULL, o->has_at ? o->at : (int64_t)time(NULL));
    setting(r, "policy", policies[o->policy], o->policy);
    setting(r, "purpose", purposes[o->purpose], o->purpose);
}

/* CRLs decide on the path, and their word on each certificate becomes a fact of its own. */
static void note_revocation(struct tw_result *r, struct tw_lib *lib, const struct list *crls)
{
    size_t steps = 0;
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(r->trace, f, CONN, TW_FACT_PATH_CERT, NULL)) != NULL)
        steps++;
    for (size_t i = 0; crls->n > 0 && i + 1 < steps; i++)
        tw_revocation_crl(r->trace, CONN, 0, lib->crypto, i, crls->views, crls->n);
}

static enum tw_status inspect(struct tw_lib *lib, struct tw_options *o, const char *file,
                              const struct list *certs, const struct list *crls,
                              struct tw_result *r)
{
    note_settings(r, o, file);
    note_certs(r, certs);
    struct tw_path_request req = {
        .crypto = lib->crypto, .trust = o->ca != NULL ? o->ca : tw_system_trust(lib),
        .wall_time = tw_trace_setting_num(r->trace, "wall_time", 0), .name = o->verify_name,
        .certs = certs->views, .certs_n = certs->n, .crls = crls->views, .crls_n = crls->n,
        .policy = o->policy, .purpose = o->purpose, .level = o->level};
    if (tw_path_explain(&req, r->trace, CONN, 0) != TW_OK)
        return TW_E_NOMEM;
    note_revocation(r, lib, crls);
    if (o->ca == NULL && o->purpose == TW_PURPOSE_SERVER)
        tw_revocation_explain(r->trace, CONN, 0, lib->crypto, o->ct_logs); /* CT: public CAs */
    return tw_result_judge(r);
}

static int run(struct tw_lib *lib, struct tw_options *o, const char *file, struct list *certs,
               struct list *crls, struct tw_result **out, const char **why)
{
    struct tw_buf content;
    tw_buf_init(&content, MAX_FILE);
    if (tw_read_file(file, MAX_FILE, &content, o->arena, why) != TW_OK) {
        tw_buf_cleanup(&content);
        return TW_EXIT_USAGE;
    }
    add_certs(certs, tw_buf_view(&content));
    tw_buf_cleanup(&content);
    *why = "no certificate in it";
    if (certs->n == 0)
        return TW_EXIT_USAGE;
    add_certs(certs, tw_buf_view(&o->chain));
    add_crls(crls, tw_buf_view(&o->crls));
    finish(certs);
    finish(crls);
    *why = "out of memory";
    struct tw_result *r = tw_result_new("inspect");
    if (r == NULL || inspect(lib, o, file, certs, crls, r) != TW_OK) {
        tw_result_free(r);
        return TW_EXIT_UNKNOWN;
    }
    *out = r;
    return 0;
}

int tw_inspect(struct tw_lib *lib, struct tw_options *o, const char *file, struct tw_result **out,
               const char **why)
{
    struct list *lists = calloc(2, sizeof *lists);
    *out = NULL;
    *why = "out of memory";
    if (lists == NULL)
        return TW_EXIT_UNKNOWN;
    tw_buf_init(&lists[0].der, MAX_DER);
    tw_buf_init(&lists[1].der, (size_t)64 << 20);
    int rc = run(lib, o, file, &lists[0], &lists[1], out, why);
    tw_buf_cleanup(&lists[0].der);
    tw_buf_cleanup(&lists[1].der);
    free(lists);
    return rc;
}

char *tw_result_chain(const struct tw_result *r)
{
    struct tw_buf pem;
    tw_buf_init(&pem, MAX_DER);
    char *text = NULL;
    if (tw_trace_write_chain(r->trace, &pem)) {
        tw_wr_u8(&pem, 0);
        text = pem.failed ? NULL : malloc(pem.len);
        if (text != NULL)
            memcpy(text, pem.data, pem.len);
    }
    tw_buf_cleanup(&pem);
    return text;
}
