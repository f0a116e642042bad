/*
 * Which software answers there, as far as it says so itself: the Server header of an HTTP response,
 * a mail server's banner. Fixes are then told for that software first.
 */
#include "rules/rules_internal.h"

#include <strings.h>

static const struct {
    const char *says;      /* in the header or banner, any case */
    const char *label;     /* as the fixes of the catalogue name it */
} known[] = {
    {"openresty", "nginx"},   {"nginx", "nginx"},        {"tengine", "nginx"},
    {"apache-coyote", "Tomcat"}, {"tomcat", "Tomcat"},   {"apache", "Apache"},
    {"haproxy", "HAProxy"},   {"microsoft-iis", "Windows"}, {"microsoft-httpapi", "Windows"},
    {"microsoft esmtp", "Windows"}, {"caddy", "Caddy"},  {"envoy", "Envoy"},
    {"litespeed", "LiteSpeed"}, {"lighttpd", "lighttpd"}, {"jetty", "Java"},
    {"postfix", "Postfix"},   {"exim", "Exim"},          {"dovecot", "Dovecot"},
    {"traefik", "Traefik"},
};

/* Value of the Server header in the head of an HTTP/1 response; empty when there is none. */
static struct tw_view server_header(struct tw_view v)
{
    static const char name[] = "\nserver:";
    if (v.len < 5 || memcmp(v.data, "HTTP/", 5) != 0)
        return (struct tw_view){NULL, 0};
    for (size_t i = 0; i + sizeof name - 1 <= v.len; i++) {
        if (strncasecmp((const char *)v.data + i, name, sizeof name - 1) != 0)
            continue;
        size_t from = i + sizeof name - 1, to = from;
        while (to < v.len && v.data[to] != '\r' && v.data[to] != '\n')
            to++;
        while (from < to && v.data[from] == ' ')
            from++;
        return tw_view_sub(v, from, to - from);
    }
    return (struct tw_view){NULL, 0};
}

/* A banner in text: its first line. */
static struct tw_view banner(struct tw_view v)
{
    size_t n = 0;
    while (n < v.len && v.data[n] >= 0x20 && v.data[n] < 0x7f)
        n++;
    bool greets = n > 4 && (memcmp(v.data, "220", 3) == 0 || memcmp(v.data, "* OK", 4) == 0 ||
                            memcmp(v.data, "+OK", 3) == 0);
    return tw_view_sub(v, 0, greets ? n : 0);
}

static bool contains(struct tw_view v, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= v.len; i++)
        if (strncasecmp((const char *)v.data + i, word, n) == 0)
            return true;
    return false;
}

static const char *label_of(struct tw_view said)
{
    for (size_t i = 0; said.len > 0 && i < TW_ARRAY_LEN(known); i++)
        if (contains(said, known[i].says))
            return known[i].label;
    return NULL;
}

const char *tw_case_software(const struct tw_trace *t)
{
    static const enum tw_fact_kind kinds[] = {TW_FACT_APP_DATA, TW_FACT_NOT_TLS};
    for (size_t k = 0; k < TW_ARRAY_LEN(kinds); k++) {
        const struct tw_fact *f = NULL;
        while ((f = tw_trace_next(t, f, 0, kinds[k], NULL)) != NULL) {
            const char *label = NULL;
            if (f->from == TW_SERVER)
                label = label_of(server_header(f->data));
            if (label == NULL && f->from == TW_SERVER)
                label = label_of(banner(f->data));
            if (label != NULL)
                return label;
        }
    }
    return NULL;
}

static bool is_for(const struct tw_fix *x, const char *software)
{
    return software != NULL && strncasecmp(x->for_, software, strlen(software)) == 0;
}

const struct tw_fix *tw_finding_fix(const struct tw_finding *f, size_t i)
{
    if (f->own_fix.for_ != NULL && i-- == 0)
        return &f->own_fix;
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < TW_MAX_FIX && f->rule->fix[k].for_ != NULL; k++)
            if (is_for(&f->rule->fix[k], f->software) == (pass == 0) && i-- == 0)
                return &f->rule->fix[k];
    return NULL;
}

bool tw_fix_is_beside(const struct tw_finding *f, const struct tw_fix *x)
{
    const struct tw_fix *first = tw_finding_fix(f, 0);
    if (first == NULL || !is_for(first, f->software) || is_for(x, f->software))
        return false;
    for (size_t i = 0; i < TW_ARRAY_LEN(known); i++)
        if (is_for(x, known[i].label))
            return true;
    return false;
}
