/* The public functions of tlswhy.h, on top of probe, rules and report. */
#include "explain/explain.h"
#include "probe/probe.h"
#include "report/report.h"

enum { REPORT_MAX = 32 << 20 };

const char *tw_version_text(void)
{
    return TW_VERSION;
}

struct tw_lib *tw_lib_new(void)
{
    struct tw_lib *lib = calloc(1, sizeof *lib);
    if (lib == NULL)
        return NULL;
    lib->crypto = tw_crypto_new();
    if (lib->crypto == NULL) {
        free(lib);
        return NULL;
    }
    return lib;
}

void tw_lib_free(struct tw_lib *lib)
{
    if (lib == NULL)
        return;
    tw_trust_free(lib->system.trust);
    tw_arena_free(lib->system_texts);
    tw_explainer_free(lib->explainer);
    tw_crypto_free(lib->crypto);
    free(lib);
}

const char *tw_lib_crypto_version(const struct tw_lib *lib)
{
    return tw_crypto_version(lib->crypto);
}

int tw_result_exit(const struct tw_result *r)
{
    if (r->interrupted)
        return TW_EXIT_INTERRUPTED;
    switch (r->diagnosis->outcome) {
    case TW_OUTCOME_OK:
        return TW_EXIT_OK;
    case TW_OUTCOME_FAIL:
        return r->diagnosis->causes_n > 0 ? TW_EXIT_FAIL : TW_EXIT_UNKNOWN;
    case TW_OUTCOME_UNKNOWN:
        break;
    }
    return TW_EXIT_UNKNOWN;
}

const char *tw_result_cause(const struct tw_result *r)
{
    return r->diagnosis->causes_n > 0 ? r->diagnosis->causes[0].rule->id : NULL;
}

bool tw_result_warns(const struct tw_result *r, const char *id)
{
    for (size_t i = 0; i < r->diagnosis->warnings_n; i++)
        if (strcmp(r->diagnosis->warnings[i].rule->id, id) == 0)
            return true;
    return false;
}

unsigned tw_result_connections(const struct tw_result *r)
{
    return r->connections;
}

unsigned tw_result_rounds(const struct tw_result *r)
{
    return r->rounds;
}

/* A buffer's text as a malloc'ed C string; NULL when the buffer failed. */
static char *take_text(struct tw_buf *b, bool ok, size_t *len)
{
    tw_wr_u8(b, 0);
    char *s = NULL;
    if (ok && !b->failed)
        s = malloc(b->len);
    if (s != NULL)
        memcpy(s, b->data, b->len);
    if (len != NULL)
        *len = s == NULL ? 0 : b->len - 1;
    tw_buf_cleanup(b);
    return s;
}

static struct tw_report_options report_options(const struct tw_text_options *o, const char *vantage)
{
    struct tw_report_options ro = {.width = 100, .vantage = vantage};
    if (o != NULL) {
        ro.colour = o->colour;
        ro.verbosity = o->verbosity;
        ro.width = o->width == 0 ? 100 : o->width;
        ro.command = o->command;
    }
    return ro;
}

char *tw_result_text(const struct tw_result *r, const struct tw_text_options *o)
{
    struct tw_buf b;
    tw_buf_init(&b, REPORT_MAX);
    struct tw_report_options ro = report_options(o, r->vantage);
    bool ok = tw_report_text(r->diagnosis, &ro, &b) == TW_OK;
    return take_text(&b, ok, NULL);
}

char *tw_result_json(const struct tw_result *r)
{
    struct tw_buf b;
    tw_buf_init(&b, REPORT_MAX);
    struct tw_report_options ro = report_options(NULL, r->vantage);
    bool ok = tw_report_json(r->diagnosis, &ro, &b) == TW_OK;
    return take_text(&b, ok, NULL);
}

char *tw_result_trace(const struct tw_result *r, size_t *len)
{
    struct tw_buf b;
    tw_buf_init(&b, REPORT_MAX * 2u);
    bool ok = tw_trace_save(r->trace, &b) == TW_OK;
    return take_text(&b, ok, len);
}

static bool take_target(struct tw_lib *lib, struct tw_options *o, const char *target,
                        struct tw_target *t, const char **why)
{
    if (tw_options_finish(o, lib, why) != 0)
        return false;
    if (target == NULL)
        return true;
    return tw_target_parse(target, t, why) &&
           (o->connect != NULL || o->proxy != NULL ||
            tw_target_family_ok(t, o->family, why));
}

int tw_check_target(struct tw_lib *lib, struct tw_options *o, const char *target, const char **why)
{
    struct tw_target t;
    return take_target(lib, o, target, &t, why) ? 0 : TW_EXIT_USAGE;
}

int tw_check(struct tw_lib *lib, struct tw_options *o, const char *target,
             tw_progress_fn *progress, void *user, struct tw_result **out, const char **why)
{
    struct tw_target t; /* not in the options' arena: a list may have millions of targets */
    *out = NULL;
    *why = "a target is needed";
    if (target == NULL || !take_target(lib, o, target, &t, why))
        return TW_EXIT_USAGE;
    *why = "out of memory";
    struct tw_result *r = tw_result_new("check");
    if (r == NULL)
        return TW_EXIT_UNKNOWN;
    if (tw_probe_run(lib, o, &t, progress, user, r) != TW_OK) {
        tw_result_free(r);
        return TW_EXIT_UNKNOWN;
    }
    *out = r;
    return 0;
}

int tw_replay(struct tw_lib *lib, const void *trace, size_t len, struct tw_result **out,
              size_t *line, const char **why)
{
    (void)lib;
    *out = NULL;
    *line = 0;
    *why = "out of memory";
    struct tw_result *r = tw_result_new("replay");
    if (r == NULL)
        return TW_EXIT_UNKNOWN;
    enum tw_status st = tw_trace_load(r->trace, tw_view_of(trace, len), line, why);
    if (st == TW_OK)
        st = tw_result_judge(r);
    if (st != TW_OK) {
        tw_result_free(r);
        return st == TW_E_INPUT ? TW_EXIT_USAGE : TW_EXIT_UNKNOWN;
    }
    r->connections = (unsigned)tw_trace_setting_num(r->trace, "connections", 0);
    r->rounds = (unsigned)tw_trace_setting_num(r->trace, "rounds", 0);
    r->interrupted = tw_trace_setting_num(r->trace, "interrupted", 0) != 0;
    *out = r;
    return 0;
}

int tw_explain_text(struct tw_lib *lib, const void *text, size_t len, struct tw_result **out)
{
    *out = NULL;
    if (lib->explainer == NULL)
        lib->explainer = tw_explainer_new();
    if (lib->explainer == NULL)
        return TW_EXIT_UNKNOWN;
    struct tw_result *r = tw_result_new("explain");
    if (r == NULL)
        return TW_EXIT_UNKNOWN;
    enum tw_status st = tw_explain(lib->explainer, tw_view_of(text, len), r->trace, r->arena,
                                   r->diagnosis);
    if (st != TW_OK) {
        tw_result_free(r);
        return TW_EXIT_UNKNOWN;
    }
    *out = r;
    return 0;
}

const char *tw_result_target(const struct tw_result *r)
{
    const char *host = r->diagnosis->c.host;
    const char *scheme = tw_trace_setting(r->trace, "scheme");
    int64_t port = r->diagnosis->c.port;
    if (host[0] == '\0')
        return NULL;
    bool v6 = strchr(host, ':') != NULL;
    const char *before = scheme != NULL ? scheme : "", *slashes = scheme != NULL ? "://" : "";
    if (port > 0)
        return tw_arena_printf(r->arena, v6 ? "%s%s[%s]:%lld" : "%s%s%s:%lld", before, slashes, host,
                               (long long)port);
    return tw_arena_printf(r->arena, v6 ? "%s%s[%s]" : "%s%s%s", before, slashes, host);
}

char *tw_clients(bool json)
{
    struct tw_buf b;
    tw_buf_init(&b, REPORT_MAX);
    tw_report_clients(json, &b);
    return take_text(&b, true, NULL);
}

char *tw_causes(const char *id, bool json, const struct tw_text_options *o)
{
    struct tw_buf b;
    tw_buf_init(&b, REPORT_MAX);
    struct tw_report_options ro = report_options(o, "causes");
    bool ok = tw_report_causes(id, json, &ro, &b);
    return take_text(&b, ok, NULL);
}
