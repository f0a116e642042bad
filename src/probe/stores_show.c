/* tlswhy stores: what trust stores there are, as a table or as JSON lines. */
#include "probe/probe.h"
#include "report/json_writer.h"

enum { REPORT_MAX = 4 << 20, TEXTS_MAX = 1 << 20 };

static const char *state_of(const struct tw_store *st)
{
    if (st->unreadable != NULL)
        return st->unreadable;
    if (st->content.problem != NULL)
        return st->content.problem;
    if (tw_trust_count(st->trust) == 0 && st->content.not_anchors + st->content.keys > 0)
        return "no trusted certificate in it: only keys, or certificates not marked as trusted";
    return tw_trust_count(st->trust) == 0 ? "no certificate in it" : NULL;
}

static void newest_of(struct tw_trust *t, char *out, size_t cap)
{
    struct tw_view der;
    int64_t newest = 0;
    for (size_t i = 0; tw_trust_at(t, i, &der); i++) {
        struct tw_cert c;
        if (tw_cert_parse(der, &c) && c.not_before > newest)
            newest = c.not_before;
    }
    out[0] = '\0';
    if (newest > 0)
        tw_time_text(newest, out, cap);
}

static void show_json(const struct tw_store *st, struct tw_buf *out)
{
    struct json j = {out, false};
    char newest[32];
    newest_of(st->trust, newest, sizeof newest);
    json_open(&j, NULL, '{');
    json_str(&j, "store", st->name);
    json_str(&j, "label", st->label);
    json_str(&j, "format", st->content.format == TW_STORE_UNKNOWN
                               ? NULL : tw_store_format_name(st->content.format));
    json_int(&j, "anchors", (int64_t)tw_trust_count(st->trust));
    json_int(&j, "not_anchors", (int64_t)st->content.not_anchors);
    json_int(&j, "keys", (int64_t)st->content.keys);
    json_int(&j, "damaged", (int64_t)st->content.damaged);
    json_str(&j, "newest_root", newest[0] == '\0' ? NULL : newest);
    json_str(&j, "problem", state_of(st));
    json_close(&j, '}');
    tw_wr_u8(out, '\n');
}

static void show_text(const struct tw_store *st, struct tw_buf *out)
{
    char newest[32];
    newest_of(st->trust, newest, sizeof newest);
    tw_buf_printf(out, "%-20s %5zu  %-8s %-11.10s %s\n", st->name, tw_trust_count(st->trust),
                  st->content.format == TW_STORE_UNKNOWN ? "-"
                                                         : tw_store_format_name(st->content.format),
                  newest[0] == '\0' ? "-" : newest, st->label);
    if (state_of(st) != NULL)
        tw_buf_printf(out, "%-20s        %s\n", "", state_of(st));
}

char *tw_stores(struct tw_lib *lib, const char *const *names, bool json, const char **why)
{
    static const char *const everything[] = {"all", NULL};
    struct tw_arena *texts = tw_arena_new(TEXTS_MAX);
    struct tw_store_list *l = texts == NULL ? NULL : tw_arena_alloc(texts, sizeof *l);
    struct tw_buf b;
    char *s = NULL;
    bool ok = l != NULL;
    *why = "out of memory";
    tw_buf_init(&b, REPORT_MAX);
    if (ok)
        l->texts = texts;
    if (names == NULL || *names == NULL)
        names = everything;
    for (; ok && *names != NULL; names++) {
        const char *reason;
        ok = tw_stores_add(lib, l, *names, NULL, &reason) == 0;
        if (!ok) { /* the reason lies in the arena; tell it by way of the library */
            snprintf(lib->why, sizeof lib->why, "%s", reason);
            *why = lib->why;
        }
    }
    if (ok && !json)
        tw_buf_printf(&b, "%-20s %5s  %-8s %-11s %s\n", "store", "roots", "format", "newest",
                      "what");
    for (size_t i = 0; ok && i < l->n; i++)
        (json ? show_json : show_text)(&l->v[i], &b);
    tw_wr_u8(&b, 0);
    if (ok && !b.failed)
        s = strdup((const char *)b.data);
    tw_buf_cleanup(&b);
    if (l != NULL)
        tw_stores_cleanup(l);
    tw_arena_free(texts);
    return s;
}
