/*
 * The list of known CT logs, in the JSON format of Chrome (version 3 of its schema), read with
 * jansson. What is not understood is passed over; a list without any log is refused.
 */
#include "x509/ct.h"

#include <jansson.h>

enum { MAX_LOGS = 1024, MAX_TEXTS = 4 << 20 };

struct tw_log_list {
    struct tw_arena *arena;
    struct tw_log logs[MAX_LOGS];
    size_t n;
    const char *date;
};

const char *tw_log_state_name(enum tw_log_state s)
{
    static const char *const names[] = {"pending", "qualified", "usable", "readonly", "retired",
                                        "rejected"};
    return (size_t)s < TW_ARRAY_LEN(names) ? names[s] : "?";
}

static int digit(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c == '\0' ? NULL : strchr(digits, c);
    return p == NULL ? -1 : (int)(p - digits);
}

/* Standard base64 without white space; an empty view when it is none. */
static struct tw_view unbase64(struct tw_arena *a, const char *s)
{
    size_t len = s == NULL ? 0 : strlen(s), n = 0;
    uint8_t *out = len == 0 || len > 65536 ? NULL : tw_arena_alloc(a, len);
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; out != NULL && i < len && s[i] != '='; i++) {
        int d = digit(s[i]);
        if (d < 0)
            return tw_view_of(NULL, 0);
        acc = acc << 6 | (uint32_t)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(acc >> bits);
        }
    }
    return tw_view_of(out, n);
}

static void read_state(const json_t *j, struct tw_log *log)
{
    const json_t *state = json_object_get(j, "state");
    log->state = TW_LOG_PENDING;
    for (int s = TW_LOG_PENDING; s <= TW_LOG_REJECTED; s++) {
        const json_t *one = json_object_get(state, tw_log_state_name((enum tw_log_state)s));
        const char *since = json_string_value(json_object_get(one, "timestamp"));
        if (!json_is_object(one))
            continue;
        log->state = (enum tw_log_state)s;
        if (since == NULL || !tw_time_parse(since, &log->state_since))
            log->state_since = 0;
    }
}

static void read_log(struct tw_log_list *l, const json_t *j, const char *operator_, bool tiled)
{
    if (l->n == MAX_LOGS)
        return;
    struct tw_log *log = &l->logs[l->n];
    *log = (struct tw_log){.operator_ = operator_, .tiled = tiled};
    struct tw_view id = unbase64(l->arena, json_string_value(json_object_get(j, "log_id")));
    const char *description = json_string_value(json_object_get(j, "description"));
    log->key = unbase64(l->arena, json_string_value(json_object_get(j, "key")));
    log->description = tw_arena_str(l->arena, description == NULL ? "" : description);
    if (id.len != sizeof log->id || log->key.len == 0 || log->description == NULL)
        return;
    memcpy(log->id, id.data, sizeof log->id);
    read_state(j, log);
    l->n++;
}

static void read_operator(struct tw_log_list *l, const json_t *j)
{
    static const char *const arrays[] = {"logs", "tiled_logs"};
    const char *name = json_string_value(json_object_get(j, "name"));
    const char *copy = tw_arena_str(l->arena, name == NULL ? "" : name);
    for (size_t i = 0; copy != NULL && i < TW_ARRAY_LEN(arrays); i++) {
        const json_t *logs = json_object_get(j, arrays[i]);
        for (size_t k = 0; k < json_array_size(logs); k++)
            read_log(l, json_array_get(logs, k), copy, i == 1);
    }
}

enum tw_status tw_log_list_parse(struct tw_view text, struct tw_log_list **out, const char **why)
{
    json_error_t error;
    *out = NULL;
    *why = "is no JSON object";
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    struct tw_log_list *l = json_is_object(root) ? calloc(1, sizeof *l) : NULL;
    if (l != NULL)
        l->arena = tw_arena_new(MAX_TEXTS);
    if (l == NULL || l->arena == NULL) {
        enum tw_status st = json_is_object(root) ? TW_E_NOMEM : TW_E_INPUT;
        json_decref(root);
        tw_log_list_free(l);
        return st;
    }
    const char *date = json_string_value(json_object_get(root, "log_list_timestamp"));
    l->date = tw_arena_str(l->arena, date == NULL ? "" : date);
    const json_t *operators = json_object_get(root, "operators");
    for (size_t i = 0; i < json_array_size(operators); i++)
        read_operator(l, json_array_get(operators, i));
    json_decref(root);
    if (l->n == 0 || l->date == NULL) {
        *why = "has no CT log in it (the format is that of Chrome's log_list.json, version 3)";
        tw_log_list_free(l);
        return TW_E_INPUT;
    }
    *out = l;
    return TW_OK;
}

void tw_log_list_free(struct tw_log_list *l)
{
    if (l == NULL)
        return;
    tw_arena_free(l->arena);
    free(l);
}

size_t tw_log_list_count(const struct tw_log_list *l)
{
    return l->n;
}

const char *tw_log_list_date(const struct tw_log_list *l)
{
    return l->date;
}

const struct tw_log *tw_log_at(const struct tw_log_list *l, size_t i)
{
    return i < l->n ? &l->logs[i] : NULL;
}

const struct tw_log *tw_log_find(const struct tw_log_list *l, struct tw_view id)
{
    for (size_t i = 0; i < l->n; i++)
        if (tw_view_eq(tw_view_of(l->logs[i].id, sizeof l->logs[i].id), id))
            return &l->logs[i];
    return NULL;
}
