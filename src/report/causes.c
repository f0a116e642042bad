/* The catalogue as text and JSON: `tlswhy causes`. */
#include "explain/explain.h"
#include "report/json_writer.h"
#include "report/paper.h"

static bool by_handshake(const struct tw_rule *r)
{
    return r->match != NULL;
}

static bool by_text(const struct tw_rule *r)
{
    return tw_explain_knows(r->id);
}

/* From where a cause can be found. */
static const struct {
    const char *name;
    bool (*shows)(const struct tw_rule *r);
} vantages[] = {{"check", by_handshake}, {"replay", by_handshake}, {"explain", by_text}};

static void cause_json(struct tw_buf *out, const struct tw_rule *r)
{
    struct json j = {out, false};
    json_open(&j, NULL, '{');
    json_str(&j, "id", r->id);
    json_str(&j, "title", r->title);
    json_str(&j, "category", r->category);
    json_str(&j, "side", tw_side_name(r->side));
    json_str(&j, "explain", r->explain);
    json_str(&j, "evidence", r->evidence);
    json_open(&j, "vantages", '[');
    for (size_t i = 0; i < TW_ARRAY_LEN(vantages); i++)
        if (vantages[i].shows(r))
            json_str(&j, NULL, vantages[i].name);
    json_close(&j, ']');
    json_open(&j, "fix", '[');
    for (size_t i = 0; i < TW_MAX_FIX && r->fix[i].for_ != NULL; i++) {
        json_open(&j, NULL, '{');
        json_str(&j, "for", r->fix[i].for_);
        json_str(&j, "text", r->fix[i].text);
        json_str(&j, "snippet", r->fix[i].snippet);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_open(&j, "lookalikes", '[');
    for (size_t i = 0; i < TW_MAX_LOOKALIKE && r->lookalikes[i].id != NULL; i++) {
        json_open(&j, NULL, '{');
        json_str(&j, "id", r->lookalikes[i].id);
        json_str(&j, "tell", r->lookalikes[i].tell);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_open(&j, "refs", '[');
    for (size_t i = 0; i < TW_MAX_REFS && r->refs[i] != NULL; i++)
        json_str(&j, NULL, r->refs[i]);
    json_close(&j, ']');
    json_maps(&j, r->id);
    json_close(&j, '}');
    tw_wr_u8(out, '\n');
}

/* What a report to somebody else would call it. */
static void maps_text(struct paper *p, const char *id)
{
    const struct tw_map *m = tw_map_by_id(id);
    if (m == NULL)
        return;
    paper_heading(p, "Called elsewhere");
    for (size_t i = 0; i < TW_MAP_STANDARDS; i++) {
        char label[64];
        if (m->name[i][0] == '\0')
            continue;
        snprintf(label, sizeof label, "%s:", tw_map_title(i));
        paper_item(p, 2, label, 36, m->name[i]);
    }
}

static void cause_text(struct paper *p, const struct tw_rule *r)
{
    char line[200];
    paper_ink(p, INK_BOLD);
    tw_buf_str(p->out, r->id);
    paper_ink(p, INK_PLAIN);
    snprintf(line, sizeof line, ": %s", r->title);
    paper_line(p, 0, line);
    snprintf(line, sizeof line, "category %s, usually to be fixed by: %s", r->category,
             tw_side_name(r->side));
    paper_line(p, 2, line);
    paper_blank(p);
    paper_item(p, 2, "", 0, r->explain);
    paper_heading(p, "What shows it");
    paper_item(p, 2, "", 0, r->evidence);
    line[0] = '\0';
    for (size_t i = 0; i < TW_ARRAY_LEN(vantages); i++)
        if (vantages[i].shows(r)) {
            size_t n = strlen(line);
            snprintf(line + n, sizeof line - n, "%s%s", n > 0 ? ", " : "Seen by: ", vantages[i].name);
        }
    if (line[0] != '\0')
        paper_line(p, 2, line);
    paper_heading(p, "Fix");
    for (size_t i = 0; i < TW_MAX_FIX && r->fix[i].for_ != NULL; i++)
        paper_fix(p, &r->fix[i]);
    if (r->lookalikes[0].id != NULL)
        paper_heading(p, "Looks alike");
    for (size_t i = 0; i < TW_MAX_LOOKALIKE && r->lookalikes[i].id != NULL; i++) {
        snprintf(line, sizeof line, "%s:", r->lookalikes[i].id);
        paper_item(p, 2, line, 32, r->lookalikes[i].tell);
    }
    maps_text(p, r->id);
    paper_heading(p, "Sources");
    for (size_t i = 0; i < TW_MAX_REFS && r->refs[i] != NULL; i++)
        paper_line(p, 2, r->refs[i]);
}

bool tw_report_causes(const char *id, bool json, const struct tw_report_options *o,
                      struct tw_buf *out)
{
    struct paper p = {out, o->width < 40 ? 100 : o->width, o->colour};
    if (id != NULL) {
        const struct tw_rule *r = tw_rule_by_id(id);
        if (r != NULL && json)
            cause_json(out, r);
        else if (r != NULL)
            cause_text(&p, r);
        return r != NULL;
    }
    const struct tw_rule *r;
    for (size_t i = 0; (r = tw_rule_at(i)) != NULL; i++) {
        char label[64];
        snprintf(label, sizeof label, "%-28s %-8s", r->id, tw_side_name(r->side));
        if (json)
            cause_json(out, r);
        else
            paper_item(&p, 0, label, 39, r->title);
    }
    return true;
}
